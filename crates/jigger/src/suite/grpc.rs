//! `protocol = "grpc"`: a request as a gRPC call.

use jigger_load::Http;
use jigger_load::grpc::CONTENT_TYPE;

use super::fault::{Checked, refused};
use super::request::{Lines, RequestSpec, is_content_type};

/// The same as a gRPC call. Placeholders are not filled in: they would change lengths that the
/// message has within it.
///
/// # Errors
/// [`Fault`](super::fault::Fault) for what no call has.
pub fn call(spec: RequestSpec) -> Checked<RequestSpec> {
    let is_typed = |(name, value): &&(String, String)| {
        is_content_type(name) && !value.starts_with(CONTENT_TYPE)
    };
    if let Some((_, value)) = spec.headers.iter().find(is_typed) {
        return refused(format!(
            "a gRPC call has no body of the type {value}; write body_file with the message as \
             protobuf encodes it"
        ));
    }
    if spec.method != "POST" && !(spec.method == "GET" && spec.body.bytes.is_empty()) {
        return refused("gRPC calls are sent with POST; leave out method");
    }
    if spec.lines != Lines::default() {
        return refused("no placeholders are filled in for gRPC calls; leave out lines");
    }
    if !spec.setup.is_empty() {
        return refused(
            "gRPC calls have no setup requests and no cookies; write setup_request = [] and \
             request = { cookies = false } in this scenario",
        );
    }
    let method = "POST".to_owned();
    Ok(RequestSpec { method, is_template: false, is_grpc: true, http: Http::V2, ..spec })
}
