mod canonical;
pub(crate) mod corpus;
mod path;
mod table;
