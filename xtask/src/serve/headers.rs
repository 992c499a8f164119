//! What the server says about a file: its type and what the page may do.

use std::path::Path;

/// Scripts, workers, styles and fonts from this origin only; no inline script, no `eval`, no plug-in, no frame.
///
/// - `wasm-unsafe-eval` lets WebAssembly compile, and nothing else.
/// - `connect-src … https:` is for the one request that leaves the origin: a checkpoint address typed by the visitor; one of
///   this machine needs no certificate.
/// - `new Worker(url)` is a Trusted Types sink, hence the policy `app-worker`; Svelte makes its own when it loads.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; \
    script-src 'self' 'wasm-unsafe-eval'; \
    worker-src 'self'; \
    connect-src 'self' https: http://127.0.0.1:*; \
    img-src 'self' blob: data:; \
    style-src 'self'; \
    font-src 'self'; \
    base-uri 'none'; \
    form-action 'none'; \
    frame-ancestors 'none'; \
    object-src 'none'; \
    require-trusted-types-for 'script'; \
    trusted-types app-worker svelte-trusted-html";

/// By extension. Browsers insist on two of them: WebAssembly streams only as `application/wasm`, and module scripts
/// load only as JavaScript.
pub fn content_type(path: &Path) -> &'static str {
    let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
    match extension.as_deref() {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("txt" | "md" | "wgsl") => "text/plain; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("webp") => "image/webp",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_that_browsers_insist_on() {
        assert_eq!(content_type(Path::new("a/trainyard_bg.wasm")), "application/wasm");
        assert!(content_type(Path::new("a/index-1a2b.JS")).starts_with("text/javascript"));
        assert_eq!(content_type(Path::new("a/wasm")), "application/octet-stream");
    }

    #[test]
    fn the_policy_is_one_header_line_without_the_two_wide_openings() {
        assert!(!CONTENT_SECURITY_POLICY.contains(['\n', '\r']));
        assert!(!CONTENT_SECURITY_POLICY.contains("  "));
        assert!(!CONTENT_SECURITY_POLICY.contains("'unsafe-inline'"));
        assert!(!CONTENT_SECURITY_POLICY.contains("'unsafe-eval'"));
    }
}
