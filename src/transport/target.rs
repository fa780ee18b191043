//! Where a host is and how to log in, after the inventory and `ssh_config`.

use super::known_hosts::{self, KnownHosts};
use super::ssh_config::{Settings, home_expanded, local_user};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where a host is and how to log in, as the inventory says.
#[derive(Clone, Default)]
pub struct Ssh {
    /// The program; a name is looked up in `PATH`. Another one than `ssh` is always used.
    pub program: String,
    /// Address or a name that DNS or the SSH configuration knows.
    pub host: String,
    /// Port, if not the SSH configuration's.
    pub port: Option<String>,
    /// User, if not the SSH configuration's.
    pub user: Option<String>,
    /// Private key file.
    pub private_key: Option<String>,
    /// What opens the private keys.
    pub passphrase: Option<String>,
    /// Password to log in with.
    pub password: Option<String>,
    /// Arguments before all others: `ssh_args`.
    pub args: Vec<String>,
    /// Arguments after all others: `ssh_common_args`, then `ssh_extra_args`.
    pub more_args: Vec<String>,
    /// Seconds until a connection attempt is given up.
    pub timeout: Option<u64>,
    /// Accept whatever key a host shows.
    pub skip_host_key_check: bool,
    /// Asks the user for the passphrase of a key; `None` where nobody can be asked.
    pub ask: Option<fn(&str) -> Option<String>>,
}

/// Shows no secrets.
impl std::fmt::Debug for Ssh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ssh")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// What to do about keys of hosts that are not known (`StrictHostKeyChecking`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strict {
    /// Refuse.
    Yes,
    /// Take note of the first, refuse another one.
    AcceptNew,
    /// Take whatever comes.
    No,
}

/// Everything that a connection without the ssh program needs.
#[derive(Clone, Debug)]
pub struct Target {
    /// Name or address to connect to.
    pub address: String,
    /// Port.
    pub port: u16,
    /// `Some(true)` for IPv6 only, `Some(false)` for IPv4 only.
    pub ipv6: Option<bool>,
    /// User on the host.
    pub user: String,
    /// Private key files, in order.
    pub identities: Vec<PathBuf>,
    /// Use no other keys of the SSH agent than those.
    pub identities_only: bool,
    /// Socket of the SSH agent.
    pub agent: Option<PathBuf>,
    /// Whether keys may be used at all.
    pub public_keys: bool,
    /// What to do with unknown host keys.
    pub strict: Strict,
    /// Name under which the host's key is known.
    pub key_name: String,
    /// Where host keys stand.
    pub known_hosts: KnownHosts,
    /// Where new ones are noted; `None`: nowhere.
    pub note_in: Option<PathBuf>,
    /// Whether names are hashed there.
    pub hash: bool,
    /// How long connecting may take.
    pub timeout: Option<Duration>,
    /// Seconds between signs of life, and how many may stay unanswered.
    pub alive: (u32, u32),
}

/// What libssh2 cannot do, where it is set to something else than the value beside it.
const BEYOND: [(&str, &[&str]); 18] = [
    ("proxyjump", &["none"]),
    ("proxycommand", &["none"]),
    ("certificatefile", &["none"]),
    ("pkcs11provider", &["none"]),
    ("securitykeyprovider", &["internal"]),
    ("hostbasedauthentication", &["no"]),
    ("forwardagent", &["no"]),
    ("forwardx11", &["no"]),
    ("bindaddress", &[]),
    ("bindinterface", &[]),
    ("canonicalizehostname", &["no"]),
    ("verifyhostkeydns", &["no"]),
    ("knownhostscommand", &["none"]),
    ("ciphers", &[]),
    ("macs", &[]),
    ("kexalgorithms", &[]),
    ("hostkeyalgorithms", &[]),
    ("pubkeyacceptedalgorithms", &[]),
];

/// Signs of life where the configuration does not ask for any: a host that is gone is noticed
/// after 45 seconds.
pub const ALIVE: (u32, u32) = (15, 3);

impl Ssh {
    /// What the arguments, the inventory and the files say, in this order of precedence.
    ///
    /// # Errors
    /// Why only the ssh program can do this.
    pub fn settings(&self) -> Result<Settings, String> {
        let mut settings = Settings::default();
        let mut files = None;
        self.take_arguments(&self.args, &mut settings, &mut files)?;
        let mut option = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                settings.add(name, vec![value.to_owned()]);
            }
        };
        let timeout = self.timeout.map(|seconds| seconds.to_string());
        let strict = self.skip_host_key_check.then_some("no");
        option("StrictHostKeyChecking", strict);
        option("Port", self.port.as_deref());
        option("IdentityFile", self.private_key.as_deref());
        option("User", self.user.as_deref());
        option("ConnectTimeout", timeout.as_deref());
        self.take_arguments(&self.more_args, &mut settings, &mut files)?;
        let files = files.unwrap_or_else(|| {
            vec![
                PathBuf::from(home_expanded("~/.ssh/config")),
                PathBuf::from("/etc/ssh/ssh_config"),
            ]
        });
        for file in files {
            settings.read(&file, &self.host);
        }
        match settings.beyond.take() {
            Some(beyond) => Err(beyond),
            None => Ok(settings),
        }
    }

    /// Arguments of the ssh program.
    fn take_arguments(
        &self,
        arguments: &[String],
        settings: &mut Settings,
        files: &mut Option<Vec<PathBuf>>,
    ) -> Result<(), String> {
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let Some(letters) = argument.strip_prefix('-') else {
                return Err(format!("the argument `{argument}`"));
            };
            for (at, letter) in letters.char_indices() {
                let no_value = "46CTqvanNxky".contains(letter);
                if no_value {
                    if let '4' | '6' = letter {
                        let family = if letter == '6' { "inet6" } else { "inet" };
                        settings.add("addressfamily", vec![family.to_owned()]);
                    }
                    continue;
                }
                let rest = &argument[at + 2..];
                let value = match rest {
                    "" => arguments.next().map(String::as_str).unwrap_or_default(),
                    rest => rest,
                };
                match letter {
                    'o' => settings.add_line(value),
                    'p' => settings.add("port", vec![value.to_owned()]),
                    'l' => settings.add("user", vec![value.to_owned()]),
                    'i' => settings.add("identityfile", vec![value.to_owned()]),
                    'J' => settings.add("proxyjump", vec![value.to_owned()]),
                    // Only ever a matter of the ssh program's connection sharing.
                    'S' => {}
                    'F' => *files = Some(vec![PathBuf::from(home_expanded(value))]),
                    _ => return Err(format!("the argument `-{letter}`")),
                }
                break;
            }
        }
        Ok(())
    }

    /// What a connection without the ssh program needs.
    ///
    /// # Errors
    /// Why only the ssh program can do this.
    pub fn target(&self) -> Result<Target, String> {
        if !self.program.is_empty() && self.program != "ssh" {
            return Err(format!("ansible_ssh_executable is {}", self.program));
        }
        let settings = self.settings()?;
        for (keyword, fine) in BEYOND {
            match settings.get(keyword) {
                Some(value) if !fine.contains(&value.to_lowercase().as_str()) => {
                    return Err(format!("{} is set", proper(keyword)));
                }
                _ => {}
            }
        }
        let user = settings.get("user").map_or_else(local_user, str::to_owned);
        let port = match settings.get("port") {
            Some(port) => port.parse().map_err(|_| format!("the port {port:?}"))?,
            None => 22,
        };
        let address = settings.get("hostname").unwrap_or("%h");
        let address = address.replace("%h", &self.host).replace("%%", "%");
        let tokens = Tokens {
            host: &self.host,
            address: &address,
            user: &user,
            port,
        };
        let identities = identities(&settings, &tokens);
        let alias = settings.get("hostkeyalias").unwrap_or(&address);
        let key_name = match settings.get("hostkeyalias") {
            Some(alias) => alias.to_lowercase(),
            None => known_hosts::name(alias, port),
        };
        let (known_hosts, note_in) = known(&settings, &tokens);
        if known_hosts.by_authority(&key_name) {
            return Err("its key is certified (@cert-authority)".to_owned());
        }
        Ok(Target {
            ipv6: match settings.get("addressfamily") {
                Some("inet") => Some(false),
                Some("inet6") => Some(true),
                _ => None,
            },
            identities,
            identities_only: settings.is_yes("identitiesonly"),
            agent: agent(&settings, &tokens),
            public_keys: settings.get("pubkeyauthentication") != Some("no"),
            strict: match settings.get("stricthostkeychecking") {
                Some("no" | "off") => Strict::No,
                Some("accept-new") => Strict::AcceptNew,
                _ => Strict::Yes,
            },
            key_name,
            known_hosts,
            note_in,
            hash: settings.is_yes("hashknownhosts"),
            timeout: settings
                .seconds("connecttimeout")
                .filter(|seconds| *seconds > 0)
                .map(Duration::from_secs),
            alive: (
                number(&settings, "serveraliveinterval", ALIVE.0),
                number(&settings, "serveralivecountmax", ALIVE.1),
            ),
            address,
            port,
            user,
        })
    }
}

/// What stands for `%` in paths.
struct Tokens<'a> {
    host: &'a str,
    address: &'a str,
    user: &'a str,
    port: u16,
}

impl Tokens<'_> {
    fn path(&self, text: &str) -> PathBuf {
        let text = home_expanded(text);
        let mut path = String::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match (c, c == '%') {
                (_, true) => match chars.next() {
                    Some('h') => path.push_str(self.address),
                    Some('n') => path.push_str(self.host),
                    Some('r') => path.push_str(self.user),
                    Some('u') => path.push_str(&local_user()),
                    Some('d') => path.push_str(&home_expanded("~")),
                    Some('p') => path.push_str(&self.port.to_string()),
                    Some('i') => path.push_str(&nix::unistd::geteuid().to_string()),
                    Some(other) => path.push(other),
                    None => {}
                },
                (c, false) => path.push(c),
            }
        }
        PathBuf::from(path)
    }
}

fn number(settings: &Settings, keyword: &str, default: u32) -> u32 {
    let value = settings.seconds(keyword);
    value
        .and_then(|value| u32::try_from(value).ok())
        .unwrap_or(default)
}

/// OpenSSH's default keys, in its order.
const DEFAULT_KEYS: [&str; 5] = ["rsa", "ecdsa", "ecdsa_sk", "ed25519", "ed25519_sk"];

fn identities(settings: &Settings, tokens: &Tokens) -> Vec<PathBuf> {
    match settings.words("identityfile") {
        [] => DEFAULT_KEYS
            .iter()
            .map(|kind| PathBuf::from(home_expanded(&format!("~/.ssh/id_{kind}"))))
            .filter(|path| path.exists())
            .collect(),
        named => named
            .iter()
            .filter(|path| path.as_str() != "none")
            .map(|path| tokens.path(path))
            .collect(),
    }
}

fn known(settings: &Settings, tokens: &Tokens) -> (KnownHosts, Option<PathBuf>) {
    let files = |keyword: &str, default: [&str; 2]| -> Vec<PathBuf> {
        let words = settings.words(keyword);
        let words: Vec<&str> = match words {
            [] => default.to_vec(),
            words => words.iter().map(String::as_str).collect(),
        };
        let words = words.into_iter().filter(|word| *word != "none");
        words.map(|word| tokens.path(word)).collect()
    };
    let own = files(
        "userknownhostsfile",
        ["~/.ssh/known_hosts", "~/.ssh/known_hosts2"],
    );
    let global = files(
        "globalknownhostsfile",
        ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"],
    );
    let note_in = own.first().cloned();
    let note_in = note_in.filter(|path| path != Path::new("/dev/null"));
    (KnownHosts::read(&[own, global].concat()), note_in)
}

fn agent(settings: &Settings, tokens: &Tokens) -> Option<PathBuf> {
    let environment = |name: &str| {
        let path = std::env::var_os(name)?;
        (!path.is_empty()).then(|| PathBuf::from(path))
    };
    match settings.get("identityagent") {
        Some("none") => None,
        None | Some("SSH_AUTH_SOCK") => environment("SSH_AUTH_SOCK"),
        Some(path) => match path.strip_prefix('$') {
            Some(name) => environment(name.trim_matches(['{', '}'])),
            None => Some(tokens.path(path)),
        },
    }
}

/// A keyword as the manual writes it.
fn proper(keyword: &str) -> &str {
    match keyword {
        "proxyjump" => "ProxyJump",
        "proxycommand" => "ProxyCommand",
        "certificatefile" => "CertificateFile",
        "pkcs11provider" => "PKCS11Provider",
        "securitykeyprovider" => "SecurityKeyProvider",
        "hostbasedauthentication" => "HostbasedAuthentication",
        "forwardagent" => "ForwardAgent",
        "forwardx11" => "ForwardX11",
        "bindaddress" => "BindAddress",
        "bindinterface" => "BindInterface",
        "canonicalizehostname" => "CanonicalizeHostname",
        "verifyhostkeydns" => "VerifyHostKeyDNS",
        "knownhostscommand" => "KnownHostsCommand",
        "ciphers" => "Ciphers",
        "macs" => "MACs",
        "kexalgorithms" => "KexAlgorithms",
        "hostkeyalgorithms" => "HostKeyAlgorithms",
        "pubkeyacceptedalgorithms" => "PubkeyAcceptedAlgorithms",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A host whose configuration is this text and nothing else.
    fn with(config: &str, args: &str) -> (tempfile::TempDir, Ssh) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config");
        std::fs::write(&file, config).unwrap();
        let mut more_args = shell_words::split(args).unwrap();
        more_args.extend(["-F".to_owned(), file.display().to_string()]);
        let ssh = Ssh {
            host: "web1".to_owned(),
            more_args,
            ..Ssh::default()
        };
        (dir, ssh)
    }

    #[test]
    fn inventory_before_files() {
        let (_dir, mut ssh) = with(
            "Host web*\nHostName %h.example.org\nPort 2222\nUser file\nIdentityFile /k/%r@%h\n\
             UserKnownHostsFile /dev/null\nGlobalKnownHostsFile none\nStrictHostKeyChecking accept-new\n",
            "-C -o ControlMaster=auto -oConnectTimeout=7 -4",
        );
        let target = ssh.target().unwrap();
        assert_eq!(target.address, "web1.example.org");
        assert_eq!(target.key_name, "[web1.example.org]:2222");
        assert_eq!((target.port, target.user.as_str()), (2222, "file"));
        assert_eq!(
            target.identities,
            [PathBuf::from("/k/file@web1.example.org")]
        );
        assert_eq!(target.timeout, Some(Duration::from_secs(7)));
        assert_eq!(
            (target.strict, target.ipv6),
            (Strict::AcceptNew, Some(false))
        );
        assert_eq!(target.note_in, None);
        ssh.port = Some("22".to_owned());
        ssh.user = Some("me".to_owned());
        ssh.private_key = Some("/mine".to_owned());
        ssh.skip_host_key_check = true;
        let target = ssh.target().unwrap();
        assert_eq!((target.port, target.user.as_str()), (22, "me"));
        assert_eq!(target.identities[0], PathBuf::from("/mine"));
        assert_eq!(target.strict, Strict::No);
    }

    #[test]
    fn what_only_the_program_can_do() {
        for (config, args, why) in [
            ("ProxyJump gate", "", "ProxyJump is set"),
            ("", "-J gate", "ProxyJump is set"),
            ("", "-o 'ProxyCommand=nc %h %p'", "ProxyCommand is set"),
            ("CertificateFile ~/c.pub", "", "CertificateFile is set"),
            ("Match exec true\nPort 1", "", "Match exec"),
            ("", "-L 1:b:2", "the argument `-L`"),
            ("Ciphers aes256-ctr", "", "Ciphers is set"),
        ] {
            let (_dir, ssh) = with(config, args);
            let said = ssh.target().unwrap_err();
            assert!(said.starts_with(why), "{config} {args}: {said}");
        }
        let (_dir, ssh) = with("ProxyJump none\nForwardAgent no", "");
        assert!(ssh.target().is_ok());
        let (_dir, mut ssh) = with("", "");
        ssh.program = "/opt/ssh".to_owned();
        assert!(ssh.target().unwrap_err().contains("/opt/ssh"));
    }

    #[test]
    fn no_secret_is_shown() {
        let ssh = Ssh {
            password: Some("hunter2".to_owned()),
            ..Ssh::default()
        };
        assert!(!format!("{ssh:?}").contains("hunter2"));
    }
}
