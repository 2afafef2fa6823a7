//! What the schema says of a file, in boon's judgement, and what the parser says.

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;

/// The schema, compiled.
pub struct Judge {
    schemas: Schemas,
    schema: SchemaIndex,
}

impl Judge {
    pub fn new() -> Self {
        const AT: &str = "environment.schema.json";
        let schema = serde_json::from_str(&evenkeel::environment::schema()).expect("JSON");
        let mut schemas = Schemas::new();
        let mut compiler = Compiler::new();
        compiler.enable_format_assertions();
        compiler.add_resource(AT, schema).expect("a resource");
        let schema = compiler.compile(AT, &mut schemas).expect("a schema");
        Self { schemas, schema }
    }

    /// Why the schema refuses what a file says.
    pub fn refuses(&self, says: &Value) -> Option<String> {
        let judged = self.schemas.validate(says, self.schema);
        judged.err().map(|error| format!("{error:#}"))
    }

    /// Why the schema refuses a file.
    pub fn refuses_text(&self, text: &str) -> Option<String> {
        self.refuses(&json(text))
    }
}

/// Why the parser refuses a file.
pub fn parser_refuses(text: &str) -> Option<String> {
    let beside = |name: &str| {
        if name.is_empty() {
            return Err(std::io::ErrorKind::NotFound.into());
        }
        let definition = r#"{"family": "web", "containerDefinitions": [{"name": "app", "image": "shop/web:1"}]}"#;
        Ok(definition.as_bytes().to_vec())
    };
    let parsed = evenkeel::environment::parse_with("prod.toml", "prod", text, &beside);
    parsed
        .err()
        .map(|mistakes| mistakes.render(false, 10_000))
        .map(|mistakes| mistakes.to_string())
}

/// Why the parser refuses a file, unless all that it dislikes is that this
/// version does not yet do what the file says.
pub fn parser_will_refuse(text: &str) -> Option<String> {
    parser_refuses(text).filter(|mistakes| {
        mistakes
            .lines()
            .filter(|line| line.starts_with("error"))
            .any(|line| !line.ends_with("is not supported by this version of evenkeel"))
    })
}

/// What a file says, as editors hand it to a validator: dates are strings.
pub fn json(text: &str) -> Value {
    let table: toml::Table = text
        .parse()
        .unwrap_or_else(|error| panic!("{error}\n{text}"));
    plain(toml::Value::Table(table))
}

fn plain(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(truth) => truth.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(list) => list.into_iter().map(plain).collect(),
        toml::Value::Table(table) => Value::Object(
            table
                .into_iter()
                .map(|(key, value)| (key, plain(value)))
                .collect(),
        ),
    }
}
