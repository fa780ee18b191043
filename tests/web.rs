//! `uri` and `get_url` against a server of the test's own.

use gxdeploy::diag::SourceMap;
use gxdeploy::modules::{self, Flags};
use gxdeploy::sys::overlay::Overlay;
use gxdeploy::sys::real::RealHost;
use gxdeploy::sys::{Algorithm, Host};
use gxdeploy::value::from_json;
use serde_json::{Value as Json, json};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

const HELLO: &str = "hello\n";

/// A server that knows a few paths; `asked` holds what came in, request line and headers.
struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), &log);
            }
        });
        Server { port, asked }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What came in since the last call.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

fn answer(mut stream: TcpStream, log: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while reader.read_line(&mut head).unwrap() > 2 {}
    let lower = head.to_ascii_lowercase();
    let length = lower
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |n| n.trim().parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    log.lock().unwrap().push(head.clone());
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let sum = Algorithm::Sha256.of(HELLO.as_bytes());
    let sums = format!("{sum}  hello.txt\n");
    let (status, headers, text) = match path {
        "/echo" => (
            "200 OK",
            "",
            format!("{head}{}", String::from_utf8_lossy(&body)),
        ),
        "/json" => (
            "200 OK",
            "Content-Type: application/json\r\n",
            "{\"a\": [1]}".to_owned(),
        ),
        "/secret" if lower.contains("authorization: basic dtpw\r\n") => {
            ("200 OK", "", HELLO.into())
        }
        "/secret" => (
            "401 Unauthorized",
            "WWW-Authenticate: Basic realm=\"x\"\r\n",
            "no".into(),
        ),
        "/moved" => ("302 Found", "Location: /hello.txt\r\n", String::new()),
        "/named" => (
            "200 OK",
            "Content-Disposition: attachment; filename=\"n.txt\"\r\n",
            HELLO.into(),
        ),
        "/sums" => ("200 OK", "", sums),
        "/hello.txt" if lower.contains("if-modified-since") => {
            ("304 Not Modified", "", String::new())
        }
        "/hello.txt" => ("200 OK", "", HELLO.to_owned()),
        "/cut" => ("200 OK", "Content-Length: 1000\r\n", HELLO.to_owned()),
        _ => ("404 Not Found", "", "nothing here".to_owned()),
    };
    let length = match path {
        "/cut" => String::new(),
        _ => format!("Content-Length: {}\r\n", text.len()),
    };
    let text = if method == "HEAD" { "" } else { &text };
    let answer = format!("HTTP/1.1 {status}\r\n{headers}{length}Connection: close\r\n\r\n{text}");
    stream.write_all(answer.as_bytes()).unwrap();
}

fn run_on(host: &mut dyn Host, module: &str, args: Json) -> Json {
    let entry = modules::find(module).unwrap();
    let args = (entry.check)(&from_json(&args), &SourceMap::default()).unwrap();
    modules::run(
        module,
        &args,
        host,
        &Flags {
            diff: true,
            ..Flags::default()
        },
    )
    .result
}

fn run(module: &str, args: Json) -> Json {
    run_on(&mut RealHost::new().unwrap(), module, args)
}

#[test]
fn a_service_is_asked_and_its_answer_told() {
    let server = Server::start();
    let result = run("uri", json!({"url": server.url("/json")}));
    assert_eq!(result["status"], 200);
    assert_eq!(result["json"], json!({"a": [1]}));
    assert_eq!(result["changed"], false);
    assert_eq!(result.get("content"), None);

    let result = run(
        "uri",
        json!({"url": server.url("/none"), "return_content": true}),
    );
    assert_eq!(result["failed"], true);
    assert_eq!(result["content"], "nothing here");
    assert_eq!(
        result["msg"],
        "Status code was 404 and not [200]: HTTP Error 404: Not Found"
    );

    let result = run(
        "uri",
        json!({"url": server.url("/moved"), "return_content": true}),
    );
    assert_eq!(result["url"], server.url("/hello.txt"));
    assert_eq!(result["redirected"], true);
    assert_eq!(result["content"], HELLO);
}

#[test]
fn a_body_is_sent_with_what_tells_its_kind() {
    let server = Server::start();
    let result = run(
        "uri",
        json!({
            "url": server.url("/echo"), "method": "POST", "body_format": "json",
            "body": {"a": [1, null]}, "headers": {"X-A": "b"}, "return_content": true,
        }),
    );
    let content = result["content"].as_str().unwrap().to_ascii_lowercase();
    assert!(content.starts_with("post /echo http/1.1\r\n"), "{content}");
    assert!(
        content.contains("content-type: application/json\r\n"),
        "{content}"
    );
    assert!(content.contains("x-a: b\r\n"), "{content}");
    assert!(content.ends_with("{\"a\": [1, null]}"), "{content}");
}

#[test]
fn a_password_is_sent_once_the_server_asks_for_it() {
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    let login = json!({"url": server.url("/secret"), "url_username": "u", "url_password": "p"});
    let result = run("uri", login.clone());
    assert_eq!(result["status"], 200);
    let asked = server.asked();
    assert_eq!(asked.len(), 2);
    assert!(!asked[0].to_ascii_lowercase().contains("authorization"));

    let mut get = login.clone();
    get["dest"] = json!(dir.path().join("x"));
    assert_eq!(run("get_url", get)["changed"], true);
    assert_eq!(fs::read_to_string(dir.path().join("x")).unwrap(), HELLO);

    let mut at_once = login;
    at_once["force_basic_auth"] = json!(true);
    server.asked();
    assert_eq!(run("uri", at_once)["status"], 200);
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn nobody_there_is_a_result_and_no_crash() {
    for module in ["uri", "get_url"] {
        let mut args = json!({"url": "http://127.0.0.1:1/"});
        if module == "get_url" {
            args["dest"] = json!("/tmp");
        }
        let result = run(module, args);
        assert_eq!(result["failed"], true);
        let msg = result["msg"].as_str().unwrap();
        assert!(msg.contains("[Errno 111] Connection refused"), "{msg}");
    }
    let args = json!({"url": "http://127.0.0.1:1/", "status_code": [-1], "method": "POST"});
    let result = run("uri", args);
    assert_eq!(
        (&result["status"], result.get("failed")),
        (&json!(-1), None)
    );
}

#[test]
fn a_file_is_fetched_once() {
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    let dest = dir.path().join("f");
    let args = json!({"url": server.url("/hello.txt"), "dest": dest, "mode": "0640"});
    let mut planned = Overlay::new(RealHost::new().unwrap());
    let plan = run_on(&mut planned, "get_url", args.clone());
    assert_eq!(plan["changed"], true, "{plan:#}");
    assert!(!dest.exists());
    assert!(server.asked().iter().all(|head| head.starts_with("HEAD ")));

    let result = run("get_url", args.clone());
    assert_eq!(result["changed"], true);
    assert_eq!(result["checksum_src"], Algorithm::Sha1.of(HELLO.as_bytes()));
    assert_eq!(result["mode"], "0640");
    assert_eq!(result["diff"][0]["after"], HELLO, "{result:#}");
    assert_eq!(result["diff"].as_array().unwrap().len(), 1);

    let again = run("get_url", args);
    assert_eq!(again["changed"], false);
    assert_eq!(again["status_code"], 304);
    // Nothing is left of the download.
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_wrong_checksum_leaves_the_old_file() {
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    let dest = dir.path().join("hello.txt");
    fs::write(&dest, "old").unwrap();
    let args = |checksum: String| {
        json!({
            "url": server.url("/hello.txt"), "dest": dir.path(), "tmp_dest": dir.path(),
            "checksum": checksum, "backup": true,
        })
    };
    let result = run("get_url", args("sha512:00".to_owned()));
    assert_eq!(result["failed"], true);
    assert!(
        result["msg"]
            .as_str()
            .unwrap()
            .contains("did not match 00; it was ")
    );
    assert_eq!(fs::read_to_string(&dest).unwrap(), "old");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);

    let result = run("get_url", args(format!("sha256:{}", server.url("/sums"))));
    assert_eq!(result["changed"], true, "{result:#}");
    assert_eq!(fs::read_to_string(&dest).unwrap(), HELLO);
    let backup = result["backup_file"].as_str().unwrap();
    assert_eq!(fs::read_to_string(backup).unwrap(), "old");

    // With the right checksum nothing is fetched at all.
    server.asked();
    let sum = Algorithm::Sha1.of(HELLO.as_bytes());
    let there =
        json!({"url": server.url("/hello.txt"), "dest": dest, "checksum": format!("sha1:{sum}")});
    assert_eq!(run("get_url", there)["msg"], "file already exists");
    assert_eq!(server.asked().len(), 0);
}

#[test]
fn the_server_names_the_file_and_half_a_file_is_none() {
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    let get = |path: &str| {
        run(
            "get_url",
            json!({"url": server.url(path), "dest": dir.path()}),
        )
    };
    assert_eq!(get("/named")["dest"], json!(dir.path().join("n.txt")));
    assert_eq!(get("/moved")["dest"], json!(dir.path().join("hello.txt")));
    let cut = get("/cut");
    assert_eq!(cut["failed"], true, "{cut:#}");
    assert!(!dir.path().join("cut").exists());
    let missing = get("/none");
    assert_eq!(
        (&missing["msg"], &missing["status_code"]),
        (&json!("Request failed"), &json!(404))
    );
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}
