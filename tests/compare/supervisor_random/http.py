"""Random requests around XML-RPC: verbs, paths, versions, headers, lengths, chunks, several on one connection."""
import random
from supervisor_scenarios.base import scenario
from .calls import body
from .commands import PROGRAMS

VERBS = ["POST"] * 8 + ["GET"] * 5 + ["HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "post", "FOO", "", "G\u00c9T", "CONNECT"]
PATHS = ["/RPC2"] * 8 + ["/RPC2/", "/RPC2/x", "/rpc2", "/RPC2?x=1", "//RPC2", "/%52PC2", "/RPC2%00", "http://x/RPC2", "*", "", "/RPC", "/RPC2#x", "/./RPC2", "/x/../RPC2", "/RPC2;x",
    "/", "/index.html", "/index.html?action=nope", "/index.html?message=x", "/tail.html", "/tail.html?processname=s", "/tail.html?processname=zz&limit=x", "/ok.html", "/ok.html?x", "/stylesheets/supervisor.css", "/images/icon.png", "/stylesheets", "/stylesheets/", "/images/../index.html",
    "/../../../../etc/passwd", "/nope", "/logtail", "/logtail/", "/logtail/zz", "/logtail/s", "/logtail/s/stdout", "/logtail/s/stderr", "/logtail/s/nope", "/logtail/m:m_00", "/logtail/m%3Am_00", "/logtail/gx:*", "/logtail/t/stdout/x", "/mainlogtail", "/mainlogtail/x", "/mainlogtailx", "/logtailx", "/index.htm", "/INDEX.HTML", "/supervisor.css", "/a b", "/\u00e9", "/%", "/%zz", "/" + "x" * 3000]
VERSIONS = [" HTTP/1.1"] * 6 + [" HTTP/1.0"] * 4 + [" HTTP/0.9", "", " HTTP/2.0", " HTTP/1", " http/1.1", " HTTP/1.1 x", " FTP/1.0", "  HTTP/1.1", " HTTP/1.1 "]
HEADERS = ["Host: x", "Host:", "Connection: close", "Connection: Keep-Alive", "connection: CLOSE", "Content-Type: text/xml", "Content-Type: text/plain", "Content-Type:", "Accept-Encoding: gzip", "Accept: */*", "Expect: 100-continue", "Authorization: Basic eDp5", "Authorization: Bearer x", "Authorization:", "X: \u00e9", "X : y", " folded", "nocolon", ":", "User-Agent: " + "x" * 2000, "Cookie: a=b", "If-Modified-Since: Thu, 01 Jan 2037 00:00:00 GMT", "Range: bytes=0-1", "Upgrade: h2c", "TE: trailers", "X\ty: z"]

def lengths(rng, size):
    kind = rng.random()
    if kind < 0.6:
        return [f"{rng.choice(['Content-Length', 'content-length', 'CONTENT-LENGTH'])}: {size}"]
    return rng.choice([[], [f"Content-Length: {size - 3}"], [f"Content-Length: {size + 3}"], ["Content-Length: -1"], ["Content-Length: x"], ["Content-Length:"], ["Content-Length: 0"], [f"Content-Length: {size}", f"Content-Length: {size}"], [f"Content-Length: {size}", "Content-Length: 1"], ["Content-Length: 99999999999999999999"], [f"Content-Length: +{size}"], [f"Content-Length:{size}"], [f"Content-Length: {size} "], [f"Content-Length: 0{size}"], [f"Content-Length: {size}, {size}"], [f"Content-Length : {size}"]])

def chunked(rng, text):
    data = text.encode()
    at = rng.randrange(len(data) + 1)
    parts = [data[:at], data[at:]] if 0 < at < len(data) else [data]
    out = b"".join(f"{len(p):{rng.choice('xX')}}{rng.choice(['', '', ';a=b', ' '])}\r\n".encode() + p + b"\r\n" for p in parts) + b"0\r\n" + rng.choice([b"", b"", b"X: y\r\n"]) + b"\r\n"
    return out.decode("utf-8", "surrogateescape")

def request(rng):
    verb, path, version = rng.choice(VERBS), rng.choice(PATHS), rng.choice(VERSIONS)
    headers = rng.sample(HEADERS, rng.choice([0, 1, 1, 2, 3])) + ["Host: x"] * (rng.random() < 0.7)
    text = ""
    if verb in ("POST", "PUT", "post", "FOO") or rng.random() < 0.1:
        text = body(rng) if rng.random() < 0.9 else rng.choice(["", "x", "a=b&c=d", "\0", "<"])
        if rng.random() < 0.15:
            headers += [rng.choice(["Transfer-Encoding: chunked", "transfer-encoding: Chunked", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: identity"])]
            text = chunked(rng, text)
        else:
            headers += lengths(rng, len(text.encode("utf-8", "surrogateescape")))
    rng.shuffle(headers)
    end = rng.choice(["\r\n"] * 8 + ["\n"])
    return rng.choice([""] * 9 + ["\r\n"]) + verb + " " + path + version + end + "".join(h + end for h in headers) + end + text

def case(seed):
    rng = random.Random(f"http {seed}")
    steps = [["bytes", "".join(request(rng) for _ in range(rng.choice([1, 1, 1, 2])))] for _ in range(12)]
    return scenario(f"http_{seed}", PROGRAMS, [["try"], ["settle", "s", "RUNNING"], ["settle", "gx:x", "RUNNING"], *steps, ["ctl", "status"]])
