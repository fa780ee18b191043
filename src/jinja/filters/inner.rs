//! Looks at what values carry besides themselves: where they were written, whether they may be
//! rendered. ansible-core has these filters and tests for its own integration tests.

use super::Family;
use crate::diag::Span;
use crate::jinja::args::Args;
use crate::jinja::container::List;
use crate::jinja::function::from_value;
use crate::jinja::obj::{O, Obj};
use crate::jinja::stop::{Res, Stop};
use crate::value::python_literal;

pub const FAMILY: Family = &[
    ("ansible._protomatter.apply_trust", apply_trust),
    ("ansible._protomatter.dump_object", same),
    ("ansible._protomatter.finalize", finalize),
    ("ansible._protomatter.origin", origin),
    ("ansible._protomatter.python_literal_eval", literal),
    ("ansible._protomatter.tag_names", tag_names),
    ("ansible._protomatter.true_type", true_type),
    ("ansible._protomatter.unmask", same),
];

fn same(args: &Args) -> Res<Obj> {
    Ok(args.input()?.clone())
}

fn finalize(args: &Args) -> Res<Obj> {
    Ok(from_value(&args.input()?.to_value()?))
}

/// A text of data, rendered as if the user had written it.
fn apply_trust(args: &Args) -> Res<Obj> {
    let input = args.input()?;
    match &input.use_it()?.kind {
        O::Str(text) => args.env.render_text(text, input.span),
        _ => Ok(input.clone()),
    }
}

/// `file:line:column`, or what else a value comes from.
fn origin(args: &Args) -> Res<Obj> {
    let span = args.input()?.use_it()?.span;
    Ok(place(args, span).map_or_else(Obj::none, Obj::from))
}

fn place(args: &Args, span: Span) -> Option<String> {
    let place = args.env.engine.absolute_place(span)?;
    match place
        .strip_prefix('<')
        .and_then(|rest| rest.split_once('>'))
    {
        Some((inside, _)) => Some(format!("<{inside}>")),
        None => Some(place),
    }
}

fn literal(args: &Args) -> Res<Obj> {
    let input = args.input()?;
    let O::Str(text) = &input.use_it()?.kind else {
        return Err(Stop::fail(format!(
            "The input must be a string, not {}",
            input.type_name()
        )));
    };
    match python_literal(text) {
        Some(value) => Ok(from_value(&value)),
        None if args
            .kwarg("ignore_errors")
            .is_some_and(|f| f.truth().unwrap_or(false)) =>
        {
            Ok(input.clone())
        }
        None => Err(Stop::fail("malformed node or string")),
    }
}

/// What is known of a value besides itself, in ansible-core's names.
pub fn tags(obj: &Obj) -> Vec<&'static str> {
    let mut tags = Vec::new();
    let original = |list: &List| list.original().is_some();
    let written = !obj.span.is_none()
        || match &obj.kind {
            O::List(list) | O::Tuple(list) => original(list),
            O::Dict(dict) => dict.original().is_some(),
            _ => false,
        };
    if written {
        tags.push("Origin");
        if matches!(obj.kind, O::Str(_)) {
            tags.push("TrustedAsTemplate");
        }
    }
    if let O::Sealed(_) = obj.kind {
        tags.push("VaultedValue");
    }
    tags
}

fn tag_names(args: &Args) -> Res<Obj> {
    let names = tags(args.input()?);
    Ok(names.into_iter().map(Obj::from).collect::<Vec<_>>().into())
}

fn true_type(args: &Args) -> Res<Obj> {
    let input = args.input()?;
    let tagged = !input.span.is_none();
    Ok(match &input.kind {
        O::Undefined(_) => "UndefinedMarker",
        O::Str(_) if tagged => "_AnsibleTaggedStr",
        O::Int(_) if tagged => "_AnsibleTaggedInt",
        O::Float(_) if tagged => "_AnsibleTaggedFloat",
        O::List(_) => "_AnsibleLazyTemplateList",
        O::Dict(_) => "_AnsibleLazyTemplateDict",
        _ => input.type_name(),
    }
    .into())
}
