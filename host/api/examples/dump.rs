//! temporary
fn main() { print!("{}", orgata_api::openapi_json()); }
