//! The server: whatever a client sends, the next one is answered.
#![no_main]

use gxdeploy::supervisor::trial::Trial;

thread_local! {
    static TRIAL: Option<Trial> = Trial::new().ok();
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    TRIAL.with(|trial| {
        if let Some(trial) = trial {
            trial.answer(bytes);
            let answer = trial.answer(b"GET /ok.html HTTP/1.0\r\n\r\n");
            assert!(answer.starts_with(b"HTTP/1.0 200"));
        }
    });
});
