//! `vault` and `unvault`: envelopes made and opened with a secret of one's own.

use super::Family;
use crate::jinja::args::Args;
use crate::jinja::obj::{O, Obj, Sealed};
use crate::jinja::stop::{Res, Stop};
use crate::vault::{self, Secret};
use rand::{Rng, SeedableRng};
use std::rc::Rc;

pub const FAMILY: Family = &[("vault", seal), ("unvault", open)];

/// The label that envelopes get where none is asked for.
const LABEL: &str = "filter_default";

fn secret(args: &Args, secret: Option<Obj>, label: Option<Obj>) -> Res<Secret> {
    let secret = secret.ok_or_else(|| args.missing("secret"))?;
    let O::Str(password) = &secret.use_it()?.kind else {
        return Err(Stop::fail(format!(
            "Secret passed is required to be a string, instead we got: {}",
            secret.type_name()
        )));
    };
    let label = label.map_or_else(|| Ok(LABEL.into()), |l| l.str())?;
    Ok(Secret::new(&label, password))
}

/// `vault(data, secret, salt=None, vault_id='filter_default', wrap_object=False)`
fn seal(args: &Args) -> Res<Obj> {
    let [data, password, salt, label, wrap] =
        args.bind(["data", "secret", "salt", "vault_id", "wrap_object"])?;
    let data = data.ok_or_else(|| args.missing("data"))?;
    let text = match &data.use_it()?.kind {
        O::Str(text) => text.as_bytes().to_vec(),
        O::Bytes(bytes) => bytes.to_vec(),
        _ => {
            return Err(Stop::fail(format!(
                "Can only vault strings, instead we got {}",
                data.type_name()
            )));
        }
    };
    let secret = secret(args, password, label)?;
    let salt = match salt.filter(|s| !s.is_none()) {
        Some(salt) => salt.text()?.into_bytes(),
        None => {
            let mut random = rand::rngs::StdRng::seed_from_u64(rand::random());
            let mut salt = vec![0; 32];
            random.fill_bytes(&mut salt);
            salt
        }
    };
    let envelope = vault::encrypt(&text, &secret, &salt)?;
    let plain = String::from_utf8_lossy(&text);
    Ok(match wrap.map_or(Ok(false), |w| w.truth())? {
        true => O::Sealed(Rc::new(Sealed::opened(envelope.into(), plain.into()))).into(),
        false => envelope.into(),
    })
}

/// `unvault(vault, secret, vault_id='filter_default')`
fn open(args: &Args) -> Res<Obj> {
    let [data, password, label] = args.bind(["vault", "secret", "vault_id"])?;
    let data = data.ok_or_else(|| args.missing("vault"))?;
    let envelope = match &data.kind {
        O::Sealed(sealed) => sealed.envelope.clone(),
        _ => match &data.use_it()?.kind {
            O::Str(text) => text.clone(),
            _ => {
                return Err(Stop::fail(format!(
                    "Vault should be in the form of a string, instead we got: {}",
                    data.type_name()
                )));
            }
        },
    };
    let secret = secret(args, password, label)?;
    if !vault::is_vaulted(envelope.as_bytes()) {
        return Ok(data);
    }
    match vault::decrypt(&envelope, &secret)? {
        Some(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned().into()),
        None => Err(Stop::fail(
            "Unable to decrypt: Decryption failed (no vault secrets were found that could decrypt).",
        )),
    }
}
