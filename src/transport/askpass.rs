//! How the ssh program gets a password: it asks this program, which finds it in a variable that only
//! the same user can read (`SSH_ASKPASS`; documented: ssh(1)).

use std::process::Command;

/// Holds the password while ssh runs.
const VARIABLE: &str = "GXDEPLOY_ASKPASS";

/// Has `ssh` ask this program for a password.
pub fn prepare(ssh: &mut Command, password: &str) {
    if let Ok(this) = std::env::current_exe() {
        ssh.env("SSH_ASKPASS", this)
            .env("SSH_ASKPASS_REQUIRE", "force")
            .env("DISPLAY", ":0")
            .env(VARIABLE, password);
    }
}

/// The answer to a question of ssh, if this program was started to give it. Only a password is
/// given: no passphrase of a key, no consent to a host's key.
pub fn answer(question: &str) -> Option<Result<String, ()>> {
    let password = std::env::var(VARIABLE).ok()?;
    let question = question.to_lowercase();
    let is_password = question.contains("password") && !question.contains("passphrase");
    Some(is_password.then_some(password).ok_or(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_answered_unasked() {
        assert_eq!(answer("a@b's password:"), None);
        let mut ssh = Command::new("ssh");
        prepare(&mut ssh, "hunter2");
        let named = |name: &str| ssh.get_envs().any(|(key, _)| key == name);
        assert!(named("SSH_ASKPASS") && named(VARIABLE));
        assert!(!format!("{:?}", ssh.get_args().collect::<Vec<_>>()).contains("hunter2"));
    }
}
