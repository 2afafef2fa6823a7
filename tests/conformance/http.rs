//! As much of HTTP/1.1 as it takes to see a message whole, byte for byte,
//! which no client library shows: one request a connection.

use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// For one read or write on loopback; an emulator on a busy machine may think
/// for seconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request or a response.
#[derive(Debug, Clone)]
pub struct Message {
    /// The request line or the status line.
    pub start: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Message {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The status of a response.
    pub fn status(&self) -> Option<u16> {
        self.start.split(' ').nth(1)?.parse().ok()
    }

    /// Reads one message; without a length its body ends with the connection.
    pub fn read(stream: &TcpStream, length_needed: bool) -> io::Result<Self> {
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut reader = BufReader::new(stream);
        let start = line(&mut reader)?;
        let mut headers = Vec::new();
        loop {
            let line = line(&mut reader)?;
            if line.is_empty() {
                break;
            }
            let (key, value) = line
                .split_once(':')
                .ok_or_else(|| io::Error::other(format!("no header: {line}")))?;
            headers.push((key.to_owned(), value.trim().to_owned()));
        }
        let mut message = Self {
            start,
            headers,
            body: Vec::new(),
        };
        if message.header("transfer-encoding").is_some() {
            return Err(io::Error::other("a chunked body"));
        }
        match message.header("content-length").map(str::parse::<u64>) {
            Some(Ok(length)) => {
                reader.take(length).read_to_end(&mut message.body)?;
            }
            Some(Err(error)) => return Err(io::Error::other(error)),
            None if length_needed => {}
            None => {
                reader.read_to_end(&mut message.body)?;
            }
        }
        Ok(message)
    }

    /// Writes it, and says that nothing else comes on this connection.
    pub fn write(&self, mut stream: &TcpStream) -> io::Result<()> {
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut bytes = format!("{}\r\n", self.start).into_bytes();
        for (key, value) in &self.headers {
            if !["connection", "content-length"].contains(&key.to_ascii_lowercase().as_str()) {
                bytes.extend(format!("{key}: {value}\r\n").into_bytes());
            }
        }
        bytes.extend(
            format!(
                "content-length: {}\r\nconnection: close\r\n\r\n",
                self.body.len()
            )
            .into_bytes(),
        );
        bytes.extend(&self.body);
        stream.write_all(&bytes)?;
        stream.flush()
    }
}

/// Sends a request and reads the response.
pub fn exchange(to: SocketAddr, request: &Message) -> io::Result<Message> {
    let stream = TcpStream::connect_timeout(&to, PATIENCE)?;
    request.write(&stream)?;
    Message::read(&stream, false)
}

fn line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
