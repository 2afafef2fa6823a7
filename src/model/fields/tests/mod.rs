mod canonical;
mod corpus;
mod path;
mod table;
