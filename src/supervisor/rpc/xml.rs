//! XML-RPC documents: values to text and back.
//!
//! The text is laid out as Python's `xmlrpc.client` does it, because scripts exist that search it
//! (observed: supervisor 4.3.0 on Python 3.11).

use super::Fault;
use crate::value::{Key, Kind, Map, Value};
use quick_xml::Reader;
use quick_xml::events::Event;

/// No value nests deeper; a document that does is malformed.
const MAX_DEPTH: usize = 64;

/// Why a document could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(pub String);

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Malformed {}

/// A method and its parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// `supervisor.getState` and the like.
    pub method: String,
    /// The parameters in order.
    pub params: Vec<Value>,
}

/// What a server answered to a call.
pub type Answer = Result<Value, Fault>;

const HEAD: &str = "<?xml version='1.0'?>\n";

/// The document that calls a method.
pub fn encode_call(method: &str, params: &[Value]) -> Vec<u8> {
    let mut out = String::from(HEAD);
    out.push_str("<methodCall>\n<methodName>");
    escape(method, &mut out);
    out.push_str("</methodName>\n<params>\n");
    for param in params {
        out.push_str("<param>\n");
        value(param, &mut out);
        out.push_str("</param>\n");
    }
    out.push_str("</params>\n</methodCall>\n");
    out.into_bytes()
}

/// The document that answers a call.
pub fn encode_response(answer: &Answer) -> Vec<u8> {
    let mut out = String::from(HEAD);
    out.push_str("<methodResponse>\n");
    match answer {
        Ok(result) => {
            out.push_str("<params>\n<param>\n");
            value(result, &mut out);
            out.push_str("</param>\n</params>\n");
        }
        Err(fault) => {
            out.push_str("<fault>\n");
            value(&fault_value(fault), &mut out);
            out.push_str("</fault>\n");
        }
    }
    out.push_str("</methodResponse>\n");
    out.into_bytes()
}

/// A fault as the struct that stands for it.
pub fn fault_value(fault: &Fault) -> Value {
    let mut map = Map::new();
    map.insert("faultCode", fault.code);
    map.insert("faultString", fault.text.as_str());
    Value::map(map)
}

/// Reads a call.
pub fn decode_call(bytes: &[u8]) -> Result<Call, Malformed> {
    let mut parser = Parser::new(bytes)?;
    parser.open("methodCall")?;
    parser.open("methodName")?;
    let method = parser.text()?;
    parser.close("methodName")?;
    let mut params = Vec::new();
    if parser.try_open("params")? {
        while parser.try_open("param")? {
            params.push(parser.value(0)?);
            parser.close("param")?;
        }
        parser.close("params")?;
    }
    parser.close("methodCall")?;
    parser.end()?;
    if method.is_empty() {
        return Err(Malformed("no methodName".into()));
    }
    Ok(Call { method, params })
}

/// Reads an answer. The outer error is a document that is none, the inner one the server's fault.
pub fn decode_answer(bytes: &[u8]) -> Result<Answer, Malformed> {
    let mut parser = Parser::new(bytes)?;
    parser.open("methodResponse")?;
    if parser.try_open("fault")? {
        let fault = parser.value(0)?;
        parser.close("fault")?;
        let code = fault.get("faultCode").and_then(Value::as_int);
        let text = fault.get("faultString").and_then(Value::as_str);
        return Ok(Err(Fault {
            code: code.unwrap_or_default(),
            text: text.unwrap_or_default().to_owned(),
        }));
    }
    parser.open("params")?;
    parser.open("param")?;
    let result = parser.value(0)?;
    parser.close("param")?;
    Ok(Ok(result))
}

fn value(v: &Value, out: &mut String) {
    out.push_str("<value>");
    bare_value(v, out);
    out.push_str("</value>\n");
}

fn bare_value(v: &Value, out: &mut String) {
    match &v.kind {
        Kind::Null | Kind::Unknown(_) => out.push_str("<nil/>"),
        Kind::Bool(b) => {
            out.push_str(if *b { "<boolean>1" } else { "<boolean>0" });
            out.push_str("</boolean>");
        }
        Kind::Int(n) => {
            out.push_str("<int>");
            out.push_str(&n.to_string());
            out.push_str("</int>");
        }
        Kind::Float(f) => {
            out.push_str("<double>");
            out.push_str(&crate::value::float_repr(*f));
            out.push_str("</double>");
        }
        Kind::Str(text) => {
            out.push_str("<string>");
            escape(&text.text, out);
            out.push_str("</string>");
        }
        Kind::List(items) => {
            out.push_str("<array><data>\n");
            for item in items.iter() {
                value(item, out);
            }
            out.push_str("</data></array>");
        }
        Kind::Map(map) => {
            out.push_str("<struct>\n");
            for (key, item) in map.iter() {
                out.push_str("<member>\n<name>");
                match key.as_str() {
                    Some(name) => escape(name, out),
                    None => escape(&key.to_value().repr(), out),
                }
                out.push_str("</name>\n");
                value(item, out);
                out.push_str("</member>\n");
            }
            out.push_str("</struct>");
        }
    }
}

/// Escapes what XML must have escaped. A control character that XML 1.0 cannot hold becomes the
/// replacement character, so that a client's parser accepts every log there is.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\t' | '\n' => out.push(c),
            '\r' => out.push_str("&#13;"),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

/// One step of a document.
#[derive(Debug, PartialEq)]
enum Step {
    Open(String),
    Close(String),
    Text(String),
    End,
}

/// A pull parser with one step of look-ahead; blank text between elements is skipped on demand.
struct Parser<'a> {
    reader: Reader<&'a [u8]>,
    ahead: Option<Step>,
}

impl<'a> Parser<'a> {
    fn new(bytes: &'a [u8]) -> Result<Parser<'a>, Malformed> {
        let text = std::str::from_utf8(bytes).map_err(|e| Malformed(e.to_string()))?;
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Ok(Parser {
            reader,
            ahead: None,
        })
    }

    fn next(&mut self) -> Result<Step, Malformed> {
        if let Some(step) = self.ahead.take() {
            return Ok(step);
        }
        loop {
            let event = self.reader.read_event();
            return Ok(match event.map_err(|e| Malformed(e.to_string()))? {
                Event::Start(e) => Step::Open(e.local_name().as_ref().to_owned()),
                Event::End(e) => Step::Close(e.local_name().as_ref().to_owned()),
                Event::Text(t) => Step::Text(line_ends(&t)),
                Event::CData(t) => Step::Text(line_ends(&t)),
                Event::GeneralRef(r) => Step::Text(reference(&r)?),
                Event::Eof => Step::End,
                Event::DocType(_) => return Err(Malformed("a document type".into())),
                _ => continue,
            });
        }
    }

    /// All character data up to the next tag.
    fn text(&mut self) -> Result<String, Malformed> {
        let mut all = String::new();
        loop {
            match self.next()? {
                Step::Text(t) => all.push_str(&t),
                step => {
                    self.ahead = Some(step);
                    return Ok(all);
                }
            }
        }
    }

    fn skip_blank(&mut self) -> Result<(), Malformed> {
        let text = self.text()?;
        match text.trim().is_empty() {
            true => Ok(()),
            false => Err(Malformed(format!("unexpected text {text:?}"))),
        }
    }

    fn try_open(&mut self, name: &str) -> Result<bool, Malformed> {
        self.skip_blank()?;
        match self.next()? {
            Step::Open(n) if n == name => Ok(true),
            step => {
                self.ahead = Some(step);
                Ok(false)
            }
        }
    }

    fn open(&mut self, name: &str) -> Result<(), Malformed> {
        match self.try_open(name)? {
            true => Ok(()),
            false => Err(Malformed(format!("no <{name}>"))),
        }
    }

    fn close(&mut self, name: &str) -> Result<(), Malformed> {
        self.skip_blank()?;
        match self.next()? {
            Step::Close(n) if n == name => Ok(()),
            step => Err(Malformed(format!("{step:?} instead of </{name}>"))),
        }
    }

    /// Nothing but white space and comments is left.
    fn end(&mut self) -> Result<(), Malformed> {
        self.skip_blank()?;
        match self.next()? {
            Step::End => Ok(()),
            step => Err(Malformed(format!("{step:?} behind the call"))),
        }
    }

    /// A `<value>` element.
    fn value(&mut self, depth: usize) -> Result<Value, Malformed> {
        if depth > MAX_DEPTH {
            return Err(Malformed("nested too deeply".into()));
        }
        self.open("value")?;
        let before = self.text()?;
        let step = self.next()?;
        let kind = match step {
            Step::Close(n) if n == "value" => return Ok(Value::str(before)),
            Step::Open(kind) if before.trim().is_empty() => kind,
            step => return Err(Malformed(format!("{step:?} within a value"))),
        };
        let value = match kind.as_str() {
            "array" => self.array(depth)?,
            "struct" => self.structure(depth)?,
            kind => scalar(kind, self.text()?)?,
        };
        self.close(&kind)?;
        self.close("value")?;
        Ok(value)
    }

    fn array(&mut self, depth: usize) -> Result<Value, Malformed> {
        self.open("data")?;
        let mut items = Vec::new();
        loop {
            self.skip_blank()?;
            let step = self.next()?;
            let more = matches!(&step, Step::Open(n) if n == "value");
            self.ahead = Some(step);
            if !more {
                break;
            }
            items.push(self.value(depth + 1)?);
        }
        self.close("data")?;
        Ok(Value::list(items))
    }

    fn structure(&mut self, depth: usize) -> Result<Value, Malformed> {
        let mut map = Map::new();
        while self.try_open("member")? {
            self.open("name")?;
            let name = self.text()?;
            self.close("name")?;
            map.insert(Key::from(name), self.value(depth + 1)?);
            self.close("member")?;
        }
        Ok(Value::map(map))
    }
}

/// XML's rule for line ends.
fn line_ends(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// `amp`, `#10`, `#xa` ...
fn reference(name: &str) -> Result<String, Malformed> {
    let known = match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => match name.strip_prefix('#') {
            Some(number) => {
                let code = match number.strip_prefix('x') {
                    Some(hex) => u32::from_str_radix(hex, 16).ok(),
                    None => number.parse().ok(),
                };
                code.and_then(char::from_u32)
            }
            None => None,
        },
    };
    known
        .map(String::from)
        .ok_or_else(|| Malformed(format!("unknown entity &{name};")))
}

fn scalar(kind: &str, text: String) -> Result<Value, Malformed> {
    let bad = || Malformed(format!("{text:?} is no {kind}"));
    let word = text.trim();
    Ok(match kind {
        "int" | "i4" | "i8" => Value::from(word.parse::<i64>().map_err(|_| bad())?),
        // Whatever else stands there is false (observed: 4.3.0).
        "boolean" => Value::from(text == "1"),
        "double" => Value::from(word.parse::<f64>().map_err(|_| bad())?),
        "string" | "dateTime.iso8601" => Value::str(text),
        "base64" => {
            use base64::Engine as _;
            let packed: String = text.split_whitespace().collect();
            let engine = base64::engine::general_purpose::STANDARD;
            let bytes = engine.decode(packed).map_err(|_| bad())?;
            Value::str(String::from_utf8_lossy(&bytes).into_owned())
        }
        "nil" => Value::null(),
        _ => return Err(Malformed(format!("unknown type <{kind}>"))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_fault_as_python_writes_it() {
        let text = encode_response(&Err(Fault::about(
            super::super::fault::code::BAD_NAME,
            "zz",
        )));
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n<member>\n<name>faultCode</name>\n<value><int>10</int></value>\n</member>\n<member>\n<name>faultString</name>\n<value><string>BAD_NAME: zz</string></value>\n</member>\n</struct></value>\n</fault>\n</methodResponse>\n"
        );
    }

    #[test]
    fn as_supervisord_takes_it() {
        let wrap = |value: &str| {
            format!(
                "<methodCall><methodName> x</methodName><params><param><value>{value}</value></param></params></methodCall>"
            )
        };
        let call = |value: &str| decode_call(wrap(value).as_bytes()).unwrap();
        assert_eq!(call("").method, " x");
        assert_eq!(call("<boolean>1</boolean>").params, [Value::from(true)]);
        assert_eq!(call("<boolean>true</boolean>").params, [Value::from(false)]);
        assert_eq!(call("s<!-- c -->").params, [Value::str("s")]);
        assert!(decode_call((wrap("") + "\n<!-- c -->\n").as_bytes()).is_ok());
        for behind in ["x", "<x/>"] {
            assert!(decode_call((wrap("") + behind).as_bytes()).is_err());
        }
    }

    #[test]
    fn calls_of_other_clients() {
        let call = |text: &str| decode_call(text.as_bytes());
        let bare = call("<methodCall><methodName>a.b</methodName></methodCall>").unwrap();
        assert_eq!((bare.method.as_str(), bare.params.len()), ("a.b", 0));
        let untyped = call("<?xml version=\"1.0\" encoding=\"utf-8\"?><methodCall><methodName>x</methodName><params><param><value>a &amp; &#98;</value></param><param><value><i4> 3 </i4></value></param><param><value><string/></value></param></params></methodCall>").unwrap();
        assert_eq!(
            untyped.params,
            [Value::from("a & b"), Value::from(3), Value::from("")]
        );
        for bad in [
            "",
            "xx",
            "<methodCall></methodCall>",
            "<methodCall><methodName></methodName></methodCall>",
            "<methodCall><methodName>x</methodName><params><param><value><int>x</int></value></param></params></methodCall>",
            "<!DOCTYPE x [<!ENTITY a \"b\">]><methodCall><methodName>x</methodName></methodCall>",
        ] {
            assert!(call(bad).is_err(), "{bad}");
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[ -~\\n\\tä€]{0,20}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 20, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::list),
                prop::collection::vec(("[a-z<&]{1,5}", inner), 0..5)
                    .prop_map(|m| Value::map(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(params in prop::collection::vec(values(), 0..4)) {
            let call = decode_call(&encode_call("supervisor.x", &params)).unwrap();
            prop_assert_eq!(&call.params, &params);
            for v in params {
                prop_assert_eq!(decode_answer(&encode_response(&Ok(v.clone()))), Ok(Ok(v)));
            }
        }

        #[test]
        fn no_document_makes_it_panic(text in "(<(methodCall|value|array|data|struct|/value|int|/int|params|param)>|[a-z&;#0-9 ]){0,40}") {
            let _ = decode_call(text.as_bytes());
            let _ = decode_answer(text.as_bytes());
        }
    }
}
