//! What a connection has from the server: values captured from responses before the load, and a jar of
//! cookies. It outlives the connection's sockets.

mod jar;

pub use jar::Jar;

/// One connection's values and cookies.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Session {
    values: Vec<Vec<u8>>,
    jar: Option<Jar>,
}

impl Session {
    /// Of a connection that has nothing from the server.
    pub const NONE: Session = Session { values: Vec::new(), jar: None };

    /// One without values, with a jar where cookies are kept.
    pub fn new(jar: Option<Jar>) -> Session {
        Session { values: Vec::new(), jar }
    }

    /// Keeps a captured value behind those kept before.
    pub fn keep(&mut self, value: Vec<u8>) {
        self.values.push(value);
    }

    /// Puts the cookies of a response with these headers into the jar, if there is one; `folder` is its
    /// request's, which [`Request::cookie_folder`](crate::Request::cookie_folder) tells.
    pub fn take_cookies(&mut self, folder: &[u8], headers: &[(String, String)]) {
        let Some(jar) = &mut self.jar else { return };
        for (_, value) in headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
        {
            jar.set(value, folder);
        }
    }

    pub(crate) fn values(&self) -> &[Vec<u8>] {
        &self.values
    }

    pub(crate) fn jar(&self) -> Option<&Jar> {
        self.jar.as_ref()
    }

    pub(crate) fn jar_mut(&mut self) -> Option<&mut Jar> {
        self.jar.as_mut()
    }
}
