//! The client's half of a call, without any input or output: whoever has a way to send HTTP sends
//! it ([`crate::sys::Request`], or the blocking transport of `ctl`).

use super::Fault;
use super::xml::{self, Malformed};
use crate::value::Value;
use base64::Engine as _;

/// Where calls go.
pub const PATH: &str = "/RPC2";

/// The body of a call, to be sent by `POST` to [`PATH`] as `text/xml`.
pub fn encode_call(method: &str, params: &[Value]) -> Vec<u8> {
    xml::encode_call(method, params)
}

/// Reads the body of an answer with status 200. A body that is no XML-RPC is a fault with code 0.
pub fn decode_response(bytes: &[u8]) -> Result<Value, Fault> {
    match xml::decode_answer(bytes) {
        Ok(answer) => answer,
        Err(Malformed(text)) => Err(Fault { code: 0, text }),
    }
}

/// The value of an `Authorization` header.
pub fn basic_auth(username: &str, password: &str) -> String {
    let engine = base64::engine::general_purpose::STANDARD;
    format!("Basic {}", engine.encode(format!("{username}:{password}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn garbage_is_a_fault() {
        assert_eq!(decode_response(b"<html>").map_err(|f| f.code), Err(0));
        assert_eq!(basic_auth("a", "b"), "Basic YTpi");
    }
}
