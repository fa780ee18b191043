//! Calls and answers: what is read is written and read again as the same.
#![no_main]

use gxdeploy::supervisor::rpc::xml;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = xml::decode_answer(bytes);
    if let Ok(call) = xml::decode_call(bytes) {
        let written = xml::encode_call(&call.method, &call.params);
        assert!(xml::decode_call(&written).is_ok());
    }
});
