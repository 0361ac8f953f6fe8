//! The OpenAPI document, made from the handlers' own types.

mod patterns;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use utoipa::OpenApi as _;
use utoipa::openapi::schema::ArrayItems;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Info, InfoBuilder, LicenseBuilder, OpenApi, Ref, RefOr, Schema};

use crate::auth::is_open;
use crate::error::CODES;

#[derive(utoipa::OpenApi)]
#[openapi(tags(
    (name = "runtimes", description = "Named sets of playbooks, operations, roles and grants, each in one environment"),
    (name = "playbooks", description = "What can be executed: definitions, versions, schemas for forms"),
    (name = "executions", description = "Runs of playbooks: start, look, steer"),
    (name = "interventions", description = "Questions to people, and their answers"),
    (name = "live", description = "What happens, as it happens: Server-Sent Events and WebSocket"),
    (name = "roles", description = "Who performs steps and answers interventions"),
    (name = "operations", description = "What the plugins of a runtime can do"),
    (name = "plugins", description = "WebAssembly components, loaded while the host runs"),
    (name = "drafts", description = "Plugins in the making: source text, built, validated, tested and loaded"),
    (name = "keys", description = "With what callers prove who they are"),
    (name = "secrets", description = "What plugins may be given and nobody is shown"),
    (name = "audit", description = "Who did what, and who was refused"),
    (name = "host", description = "Liveness, readiness, metrics, this document"),
))]
struct Base;

const ABOUT: &str = "\
Orgata runs *playbooks*: workflows whose steps are sandboxed operations, and which stop where a person must \
decide. What was acknowledged is durable.

JSON is camelCase, times are RFC 3339 in UTC. A list gives `items` and, when there is more, a `nextCursor` to give \
back as `cursor`. Every answer carries an `x-request-id`; a request may bring its own. Where callers are counted, \
`RateLimit` and `RateLimit-Policy` say what is left.

## Who calls

Where the host asks who calls, every request brings `Authorization: Bearer …`: a key of the host (`orgata_…`), or a \
token of the identity provider that its operator named. What a caller may not see does not exist for it (404); what it \
sees and may not do is refused (403, `FORBIDDEN`).

## Errors

Every error has the same shape, with a stable `code`:
";

/// The document, for hosts that ask who calls and for those that do not.
pub fn openapi() -> OpenApi {
    let (_, paths) = crate::endpoints().split_for_parts();
    let mut document = Base::openapi();
    document.info = info();
    document.merge(paths);
    name_items(&mut document);
    patterns::add(&mut document);
    secure(&mut document);
    document
}

/// The document of a host that asks who calls: all but what is open to everybody takes a key or a token.
fn openapi_of_one_that_asks() -> OpenApi {
    let mut document = openapi();
    document.security = Some(vec![bearer()]);
    for (path, item) in &mut document.paths.paths {
        let open = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete].into_iter().flatten();
        open.filter(|_| is_open(path)).for_each(|operation| operation.security = Some(Vec::new()));
    }
    document
}

fn bearer() -> SecurityRequirement {
    SecurityRequirement::new("bearer", std::iter::empty::<&str>())
}

/// Says how callers prove who they are. A host need not ask: then nothing is brought.
fn secure(document: &mut OpenApi) {
    let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    if let Some(components) = &mut document.components {
        components.add_security_scheme("bearer", scheme);
    }
    document.security = Some(vec![SecurityRequirement::default(), bearer()]);
}

/// Lets pages name what they list: the derive repeats it in each of them, and generated clients would have a
/// type more per list.
fn name_items(document: &mut OpenApi) {
    let Some(components) = &mut document.components else { return };
    let names: BTreeSet<String> = components.schemas.keys().cloned().collect();
    for (name, schema) in &mut components.schemas {
        let item = name.strip_prefix("PageView_").filter(|item| names.contains(*item));
        if let (Some(item), RefOr::T(Schema::Object(page))) = (item, schema)
            && let Some(RefOr::T(Schema::Array(items))) = page.properties.get_mut("items")
        {
            items.items = ArrayItems::RefOrSchema(Box::new(Ref::from_schema_name(item).into()));
        }
    }
}

fn info() -> Info {
    let mut about = format!("{ABOUT}\n| code | status | when |\n|---|---|---|\n");
    for code in CODES {
        // Writing into a text cannot fail.
        let _ = writeln!(about, "| `{}` | {} | {} |", code.name, code.status.as_u16(), code.meaning);
    }
    InfoBuilder::new()
        .title("Orgata")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(about))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build()
}

/// The document as text: the same for the same source.
pub fn openapi_json() -> String {
    text(&openapi())
}

/// The same of a host that asks who calls.
pub(crate) fn openapi_json_of_one_that_asks() -> String {
    text(&openapi_of_one_that_asks())
}

fn text(document: &OpenApi) -> String {
    serde_json::to_string_pretty(document).unwrap_or_default() + "\n"
}
