//! The faults of the interface, each with its number and name.

/// An XML-RPC fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The number; the constants below are supervisord's.
    pub code: i64,
    /// `NAME`, or `NAME: what it is about`.
    pub text: String,
}

macro_rules! faults {
    ($($name:ident = $code:literal),* $(,)?) => {
        /// Numbers of faults (supervisor 4.3.0's interface).
        #[allow(missing_docs, reason = "the names are the interface's own")]
        pub mod code {
            $(pub const $name: i64 = $code;)*
        }

        /// The name of a fault's number, `UNKNOWN` where there is none.
        pub fn name_of(code: i64) -> &'static str {
            match code {
                $($code => stringify!($name),)*
                _ => "UNKNOWN",
            }
        }
    };
}

faults! {
    UNKNOWN_METHOD = 1,
    INCORRECT_PARAMETERS = 2,
    BAD_ARGUMENTS = 3,
    SIGNATURE_UNSUPPORTED = 4,
    SHUTDOWN_STATE = 6,
    BAD_NAME = 10,
    BAD_SIGNAL = 11,
    NO_FILE = 20,
    NOT_EXECUTABLE = 21,
    FAILED = 30,
    ABNORMAL_TERMINATION = 40,
    SPAWN_ERROR = 50,
    ALREADY_STARTED = 60,
    NOT_RUNNING = 70,
    SUCCESS = 80,
    ALREADY_ADDED = 90,
    STILL_RUNNING = 91,
    CANT_REREAD = 92,
}

impl Fault {
    /// The fault with its bare name.
    pub fn new(code: i64) -> Fault {
        Fault {
            code,
            text: name_of(code).to_owned(),
        }
    }

    /// The fault with something to say.
    pub fn about(code: i64, what: impl std::fmt::Display) -> Fault {
        Fault {
            code,
            text: format!("{}: {what}", name_of(code)),
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Fault {}
