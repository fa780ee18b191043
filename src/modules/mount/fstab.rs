//! Lines of fstab(5).

use crate::modules::common::text::lines;

/// One file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) src: String,
    pub(super) name: String,
    pub(super) fstype: String,
    pub(super) opts: String,
    pub(super) dump: String,
    pub(super) passno: String,
}

impl Line {
    fn parse(line: &str) -> Option<Line> {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if line.trim_start().starts_with('#') || !(4..=6).contains(&fields.len()) {
            return None;
        }
        let field = |at: usize| fields.get(at).map_or("0".into(), |f| unescape(f));
        Some(Line {
            src: field(0),
            name: field(1),
            fstype: field(2),
            opts: field(3),
            dump: field(4),
            passno: field(5),
        })
    }

    fn text(&self) -> String {
        let fields = [&self.src, &self.name, &self.fstype, &self.opts];
        let fields: Vec<String> = fields.into_iter().map(|f| escape(f)).collect();
        format!("{} {} {}\n", fields.join(" "), self.dump, self.passno)
    }

    /// The table with this line (or without, where `keep` is false); other lines stay as they are.
    pub(super) fn put_into(&self, table: &str, keep: bool) -> String {
        // Several swap spaces have no mount point to tell them apart.
        let is_this = |other: &Line| {
            let named = other.name == self.name || other.name.trim_end_matches('/') == self.name;
            named && (self.name != "none" || other.src == self.src)
        };
        let mut written = false;
        let mut out = Vec::new();
        for line in lines(table) {
            match Line::parse(&line).filter(is_this) {
                None => out.push(line),
                Some(_) if !keep || written => {}
                Some(there) => {
                    written = true;
                    out.push(if there == *self { line } else { self.text() });
                }
            }
        }
        if keep && !written {
            if let Some(last) = out.last_mut()
                && !last.ends_with('\n')
            {
                last.push('\n');
            }
            out.push(self.text());
        }
        out.concat()
    }
}

fn escape(field: &str) -> String {
    field
        .replace('\\', "\\134")
        .replace(' ', "\\040")
        .replace('\t', "\\011")
}

/// A field as it is meant: `\040` is a blank.
pub(super) fn unescape(field: &str) -> String {
    field
        .replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn puts_replaces_and_takes_out() {
        let mut line = Line::parse("/dev/sdb1 /mnt ext4 noatime 0 0").unwrap();
        let table = "# c\n/dev/sda1 / ext4 defaults 0 1";
        let with = line.put_into(table, true);
        assert_eq!(
            with,
            "# c\n/dev/sda1 / ext4 defaults 0 1\n/dev/sdb1 /mnt ext4 noatime 0 0\n"
        );
        assert_eq!(line.put_into(&with, true), with);
        line.opts = "ro".into();
        assert!(line.put_into(&with, true).ends_with("/mnt ext4 ro 0 0\n"));
        assert_eq!(line.put_into(&with, false), table.to_owned() + "\n");
        line.name = "/a b".into();
        assert!(line.put_into("", true).contains("/a\\040b"));
    }
}
