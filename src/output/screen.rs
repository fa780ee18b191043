//! Where text for people goes: what the terminal can do, and what happens when it is gone.

use std::io::{self, IsTerminal, Write};

/// A text stream with what is known of its reader.
pub struct Screen {
    out: Box<dyn Write + Send>,
    /// Write colours.
    pub colour: bool,
    /// A terminal, on which a line may be written over.
    pub terminal: bool,
    /// Columns.
    pub width: usize,
}

/// The width where there is no terminal: the same as Ansible's.
const WIDTH: usize = 79;

impl Screen {
    /// Standard output.
    pub fn stdout() -> Screen {
        let terminal = io::stdout().is_terminal();
        Screen::of(Box::new(io::stdout()), terminal)
    }

    /// Standard error.
    pub fn stderr() -> Screen {
        let terminal = io::stderr().is_terminal();
        Screen::of(Box::new(io::stderr()), terminal)
    }

    /// Any stream, without colour.
    pub fn plain(out: impl Write + Send + 'static) -> Screen {
        Screen {
            out: Box::new(out),
            colour: false,
            terminal: false,
            width: WIDTH,
        }
    }

    fn of(out: Box<dyn Write + Send>, terminal: bool) -> Screen {
        let width = if terminal { columns() } else { None };
        Screen {
            out,
            colour: colour(terminal),
            terminal,
            width: width.map_or(WIDTH, |w| WIDTH.max(w.saturating_sub(1))),
        }
    }

    /// Writes a line. A reader that is gone (`| head`) stops the text, never the work: machines
    /// half set up are worse than a report cut short.
    pub fn line(&mut self, text: &str) {
        // In one piece, which logs take for one record.
        let _ = self.out.write_all(format!("{text}\n").as_bytes());
    }

    /// Writes text as it is.
    pub fn text(&mut self, text: &str) {
        let _ = self.out.write_all(text.as_bytes());
        let _ = self.out.flush();
    }

    /// The text in a colour, where colours are written.
    pub fn paint(&self, text: &str, colour: Colour) -> String {
        if self.colour {
            colour.around(text)
        } else {
            text.to_owned()
        }
    }
}

/// `NO_COLOR` (any value) and `ANSIBLE_NOCOLOR` turn colours off, `ANSIBLE_FORCE_COLOR` on.
fn colour(terminal: bool) -> bool {
    let on = |name| {
        std::env::var(name).is_ok_and(|v| !matches!(v.as_str(), "" | "0" | "false" | "False"))
    };
    if std::env::var_os("NO_COLOR").is_some() || on("ANSIBLE_NOCOLOR") {
        return false;
    }
    on("ANSIBLE_FORCE_COLOR") || (terminal && std::env::var("TERM").as_deref() != Ok("dumb"))
}

fn columns() -> Option<usize> {
    use nix::libc;
    nix::ioctl_read_bad!(window_size, libc::TIOCGWINSZ, libc::winsize);
    let mut size = libc::winsize {
        ws_row: 0,
        ws_col: 0,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: the call writes one `winsize` into ours.
    unsafe { window_size(libc::STDOUT_FILENO, &mut size) }.ok()?;
    (size.ws_col > 0).then_some(usize::from(size.ws_col))
}

/// The colours in use; the same as Ansible's defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Done well.
    Green,
    /// Changed.
    Yellow,
    /// Failed.
    Red,
    /// Skipped, included.
    Cyan,
    /// Unreachable.
    BrightRed,
    /// Warnings.
    BrightPurple,
    /// Debugging text.
    Blue,
    /// Little things.
    DarkGray,
}

impl Colour {
    fn code(self) -> &'static str {
        match self {
            Colour::Green => "0;32",
            Colour::Yellow => "0;33",
            Colour::Red => "0;31",
            Colour::Cyan => "0;36",
            Colour::BrightRed => "1;31",
            Colour::BrightPurple => "1;35",
            Colour::Blue => "0;34",
            Colour::DarkGray => "1;30",
        }
    }

    /// Each line by itself, so that a pager keeps the colour.
    fn around(self, text: &str) -> String {
        let lines = text
            .split('\n')
            .map(|l| format!("\x1b[{}m{l}\x1b[0m", self.code()));
        lines.collect::<Vec<_>>().join("\n")
    }
}
