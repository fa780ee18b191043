//! Which tags are run: `--tags` and `--skip-tags` (ansible-core's documented rules).

/// The selection of a run.
#[derive(Clone, Debug, Default)]
pub struct Tags {
    /// `--tags`; empty means `all`.
    pub only: Vec<String>,
    /// `--skip-tags`.
    pub skip: Vec<String>,
}

impl Tags {
    /// True if a task with these tags is to be run.
    pub fn selects(&self, tags: &[String]) -> bool {
        self.wanted(tags) && !self.skipped(tags)
    }

    fn wanted(&self, tags: &[String]) -> bool {
        let has = |name: &str| tags.iter().any(|t| t == name);
        let asked = |name: &str| self.only.iter().any(|t| t == name);
        if has("always") {
            return true;
        }
        if (self.only.is_empty() || asked("all")) && !has("never") {
            return true;
        }
        if tags.iter().any(|tag| asked(tag)) {
            return true;
        }
        if asked("untagged") && tags.is_empty() {
            return true;
        }
        asked("tagged") && !tags.is_empty() && !has("never")
    }

    fn skipped(&self, tags: &[String]) -> bool {
        let has = |name: &str| tags.iter().any(|t| t == name);
        let asked = |name: &str| self.skip.iter().any(|t| t == name);
        if self.skip.is_empty() {
            return false;
        }
        if asked("all") {
            return !has("always") || asked("always");
        }
        tags.iter().any(|tag| asked(tag))
            || (asked("tagged") && !tags.is_empty())
            || (asked("untagged") && tags.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::Tags;

    fn selects(only: &str, skip: &str, tags: &str) -> bool {
        let split = |text: &str| {
            text.split(' ')
                .filter(|t| !t.is_empty())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        Tags {
            only: split(only),
            skip: split(skip),
        }
        .selects(&split(tags))
    }

    #[test]
    fn follows_the_documented_rules() {
        assert!(selects("", "", ""));
        assert!(!selects("", "", "never"));
        assert!(selects("web", "", "web never"));
        assert!(selects("web", "", "always"));
        assert!(!selects("web", "", "db"));
        assert!(!selects("", "always", "always"));
        assert!(selects("untagged", "", ""));
        assert!(!selects("untagged", "", "web"));
        assert!(selects("tagged", "", "web"));
        assert!(!selects("tagged", "", "never"));
        assert!(!selects("all", "web", "web"));
        assert!(selects("", "all", "always"));
        assert!(!selects("", "tagged", "web"));
    }
}
