//! Why a TLS connection failed: the cause and what to do about it.

use super::spoken::Spoken;
use super::verifier::is_issuer_as_server;
use super::words::{bare, words};
use crate::failure::ErrorKind;
use crate::io::Failure;
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};

/// What failed in a session. `came` is what the server has sent last.
pub(super) fn failure(error: &Error, spoken: Spoken, is_handshaking: bool, came: &[u8]) -> Failure {
    if let Some(refusal) = spoken.refusal(error) {
        return refusal;
    }
    let kind = match error {
        Error::AlertReceived(_) => ErrorKind::TlsAlert,
        _ if is_handshaking => ErrorKind::TlsHandshake,
        _ => ErrorKind::ReadMalformed,
    };
    Failure { kind, message: message(error, came) }
}

/// The stream ended without the alert that says so. Such an end could be anyone's, so that a response
/// that only it would complete is none (RFC 9112, section 9.8).
pub(super) fn truncated(is_handshaking: bool) -> Failure {
    let (kind, message) = match is_handshaking {
        true => (
            ErrorKind::TlsHandshake,
            "the server closed the connection in the TLS handshake; does it speak TLS on this port? \
             If not, write http:// in the URL",
        ),
        false => (
            ErrorKind::ReadClosedEarly,
            "the server closed the connection before the end of a response, and without the TLS \
             alert close_notify",
        ),
    };
    Failure { kind, message: message.to_owned() }
}

fn message(error: &Error, came: &[u8]) -> String {
    match error {
        Error::InvalidCertificate(_) if is_issuer_as_server(error) => with_remedy(
            "the server's certificate is a CA certificate (CA:TRUE)",
            &or_insecure("trust this certificate itself (--cacert, in a suite `tls.ca`)"),
        ),
        Error::InvalidCertificate(cause) => certificate(cause),
        Error::AlertReceived(alert) => received(*alert),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) if came.starts_with(b"HTTP/") => {
            "the server speaks plain HTTP on this port, not TLS; write http:// in the URL"
                .to_owned()
        }
        Error::InvalidMessage(cause) => {
            let what = words(cause, ' ');
            format!("what the server sent is not TLS ({what}); does it speak TLS on this port?")
        }
        Error::PeerIncompatible(PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig) => {
            with_remedy("the server chose a version of TLS that was not offered", OTHER_VERSION)
        }
        Error::PeerIncompatible(cause) => {
            format!("the server supports none of what was offered: {}", words(cause, ' '))
        }
        Error::PeerMisbehaved(cause) => {
            format!("the server breaks TLS: {}; its log may say why", words(cause, ' '))
        }
        other => format!("TLS: {other}"),
    }
}

const OTHER_VERSION: &str =
    "offer another version (--tls, in a suite `tls.version`), or all versions";
const TRUST: &str = "trust its issuer (--cacert, in a suite `tls.ca`)";
const OTHER_NAME: &str = "use a name that it has (--sni, in a suite `tls.sni`)";
const OWN_CERTIFICATE: &str =
    "give one that it trusts (--cert and --key, in a suite `tls.cert` and `tls.key`)";

fn with_remedy(cause: &str, remedy: &str) -> String {
    format!("{cause}; {remedy}")
}

/// What always helps, beside this remedy.
fn or_insecure(remedy: &str) -> String {
    format!("{remedy}, or verify nothing (--insecure, in a suite `tls.insecure = true`)")
}

fn certificate(cause: &CertificateError) -> String {
    use CertificateError as Cause;
    let (what, remedy) = match cause {
        Cause::Expired | Cause::ExpiredContext { .. } => ("has expired".to_owned(), "renew it"),
        Cause::NotValidYet | Cause::NotValidYetContext { .. } => {
            ("is not valid yet".to_owned(), "set the clock")
        }
        Cause::UnknownIssuer => {
            ("has an issuer that is not trusted, or is self-signed".to_owned(), TRUST)
        }
        Cause::BadSignature => ("is not signed by the issuer that it names".to_owned(), TRUST),
        Cause::NotValidForNameContext { expected, presented } => {
            let names = match presented.as_slice() {
                [] => "no name at all (subjectAltName)".to_owned(),
                names => {
                    let bare: Vec<&str> = names.iter().map(|name| bare(name)).collect();
                    format!("only {}", bare.join(", "))
                }
            };
            (format!("is not for `{}`; it has {names}", expected.to_str()), OTHER_NAME)
        }
        Cause::NotValidForName => ("is for another name".to_owned(), OTHER_NAME),
        other => (format!("cannot be used ({})", words(other, ' ')), TRUST),
    };
    with_remedy(&format!("the server's certificate {what}"), &or_insecure(remedy))
}

/// RFC 8446, section 6.
fn received(alert: AlertDescription) -> String {
    use AlertDescription as Alert;
    let remedy = match alert {
        Alert::CertificateRequired => OWN_CERTIFICATE,
        Alert::BadCertificate
        | Alert::UnknownCA
        | Alert::CertificateUnknown
        | Alert::CertificateExpired
        | Alert::CertificateRevoked
        | Alert::UnsupportedCertificate
        | Alert::AccessDenied => {
            "it rejects the client's certificate, or requires one: give one that it trusts \
             (--cert and --key, in a suite `tls.cert` and `tls.key`)"
        }
        Alert::HandshakeFailure | Alert::InsufficientSecurity => {
            "it has no version, cipher suite or group in common with what was offered (--tls, \
             --ciphers, --groups), or demands a client certificate (--cert and --key)"
        }
        Alert::ProtocolVersion => OTHER_VERSION,
        Alert::UnrecognisedName => {
            "it does not know the requested name (--sni, in a suite `tls.sni`)"
        }
        Alert::NoApplicationProtocol => "it speaks none of the protocols offered (ALPN)",
        _ => "its log may say why",
    };
    format!("the server ended the connection with the TLS alert {}; {remedy}", words(&alert, '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_its_remedy() {
        let certificate = |cause| Error::InvalidCertificate(cause);
        for (error, parts) in [
            (certificate(CertificateError::Expired), ["expired", "--insecure"]),
            (certificate(CertificateError::UnknownIssuer), ["not trusted", "--cacert"]),
            (certificate(CertificateError::NotValidForName), ["another name", "--sni"]),
            (certificate(CertificateError::NotValidYet), ["not valid yet", "clock"]),
            (certificate(CertificateError::InvalidPurpose), ["(invalid purpose)", "--cacert"]),
            (
                certificate(CertificateError::NotValidForNameContext {
                    expected: rustls::pki_types::ServerName::try_from("a").unwrap(),
                    presented: vec!["DnsName(\"b\")".to_owned(), "IpAddress(::1)".to_owned()],
                }),
                ["is not for `a`; it has only b, ::1", "--sni"],
            ),
            (
                Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
                ["supports none of what was offered", "no cipher suites in common"],
            ),
            (
                Error::PeerMisbehaved(rustls::PeerMisbehaved::TooManyEmptyFragments),
                ["breaks TLS", "too many empty fragments"],
            ),
            (
                Error::AlertReceived(AlertDescription::ProtocolVersion),
                ["protocol_version", "--tls"],
            ),
            (
                Error::AlertReceived(AlertDescription::CertificateRequired),
                ["certificate_required", "--cert"],
            ),
        ] {
            let said = failure(&error, Spoken::default(), true, &[]).message;
            parts.iter().for_each(|part| assert!(said.contains(part), "{said}"));
        }
    }

    #[test]
    fn plain_http_is_told_from_other_bytes() {
        let error = Error::InvalidMessage(InvalidMessage::InvalidContentType);
        let said = |came: &[u8]| failure(&error, Spoken::default(), true, came).message;
        assert!(said(b"HTTP/1.1 400 Bad Request").contains("write http://"));
        assert!(said(b"220 mail").contains("is not TLS"));
    }
}
