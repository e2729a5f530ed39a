//! The HTTP requests of one peer before its connection, and the values that their answers give to all its sessions.

use super::Session;
use super::request::{cookie_header, filled, http_url, in_url};
use crate::dialect::conversation::{Connect, Conversation, HttpAnswer, HttpRequest, Prepare};
use crate::dialect::language::codec::parse_json;
use crate::dialect::language::pattern::Pattern;
use crate::vocabulary::{Failure, Phase, Reason};
use serde_json::Value;

/// The steps of `[[before]]` of one peer. Take `request`, give its `answer`, until there is none.
struct Preparation {
    session: Session,
    at: usize,
    /// The cookies of the answers, by name.
    cookies: Vec<(String, String)>,
    set: Vec<usize>,
}

impl Prepare for Preparation {
    fn request(&mut self, base: &str) -> Option<HttpRequest> {
        let dialect = self.session.dialect.clone();
        if self.session.me.prepared.get().is_some() {
            return None;
        }
        let Some(step) = dialect.before.get(self.at) else {
            let values = self.set.iter().map(|slot| (*slot, self.session.state.globals[*slot].clone())).collect();
            // Only this peer's preparation sets it, and only here.
            self.session.me.prepared.set(values);
            return None;
        };
        let locals = places(base);
        let now_ms = self.session.me.epoch.1;
        let session = &mut self.session;
        let view = session.state.view(&dialect, now_ms, &locals, None);
        let encode = |value: String| if locals.iter().any(|place| *place == value) { value } else { in_url(&value) };
        let url = step.url.text_with(view, &mut session.rng, &encode);
        let mut headers = filled(&step.headers, view, &mut session.rng);
        headers.extend(cookie_header(&self.cookies));
        let body = step.body.as_ref().map(|body| body.text(view, &mut session.rng));
        Some(HttpRequest { method: step.method, url, headers, body, timeout: step.timeout })
    }

    fn answer(&mut self, base: &str, answer: &HttpAnswer) -> Result<(), Failure> {
        let dialect = self.session.dialect.clone();
        let Some(step) = dialect.before.get(self.at) else { return Ok(()) };
        let place = dialect.at(step.line);
        let fail = |reason, why: String| Err(Failure::new(Phase::Connect, reason, why));
        if !(200..300).contains(&answer.status) {
            return fail(
                Reason::Rejected,
                format!("HTTP {} to {} of [[before]] ({place})", answer.status, step.method),
            );
        }
        let mut locals = vec![Value::Null; step.locals];
        locals[..2].clone_from_slice(&places(base));
        let body = parse_json(&answer.body).unwrap_or_else(|| Value::from(answer.body.as_str()));
        let globals = &self.session.state.globals;
        let fits =
            |pattern: &Pattern, value: Option<&Value>, locals: &mut [Value]| pattern.fits(value, globals, locals);
        let mut is_expected = step.expect.as_ref().is_none_or(|pattern| fits(pattern, Some(&body), &mut locals));
        for (name, pattern) in &step.expect_headers {
            let values = answer.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
            is_expected &=
                values.into_iter().any(|(_, value)| fits(pattern, Some(&Value::from(value.as_str())), &mut locals));
        }
        if !is_expected {
            let shape = crate::dialect::shape::shape(&body);
            return fail(
                Reason::Protocol,
                format!("the answer to [[before]] ({place}) is another than expected: {shape}"),
            );
        }
        let now = self.session.me.epoch.0;
        self.session.set_variables(now, &step.set, &locals);
        self.set.extend(step.set.iter().map(|(slot, _)| *slot));
        self.keep_cookies(answer);
        self.at += 1;
        Ok(())
    }

    fn connect(&mut self, base: &str) -> Connect {
        let mut connect = self.session.connect(base);
        if let Some((_, cookies)) = cookie_header(&self.cookies) {
            match connect.headers.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case("cookie")) {
                Some((_, own)) => *own = format!("{own}; {cookies}"),
                None => connect.headers.push(("Cookie".to_owned(), cookies)),
            }
        }
        connect
    }
}

impl Preparation {
    /// Keeps the pairs of `Set-Cookie` (RFC 6265 §5.2); their attributes are not looked at.
    fn keep_cookies(&mut self, answer: &HttpAnswer) {
        for (_, value) in answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie")) {
            let pair = value.split(';').next().unwrap_or_default();
            let Some((name, value)) = pair.split_once('=') else { continue };
            let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
            self.cookies.retain(|(other, _)| *other != name);
            self.cookies.push((name, value));
        }
    }
}

impl Session {
    /// The requests of this peer before its connection; `None` for a dialect without any.
    pub(super) fn prepare(&self) -> Option<Box<dyn Prepare>> {
        let (dialect, me) = (self.dialect.clone(), self.me.clone());
        (!dialect.before.is_empty()).then(|| {
            let session = Self::new(dialect, self.trial, me);
            Box::new(Preparation { session, at: 0, cookies: vec![], set: vec![] }) as Box<dyn Prepare>
        })
    }

    /// Gives the variables the values of the answers of `[[before]]`.
    pub(super) fn take_prepared(&mut self) {
        let prepared = self.me.prepared.clone();
        for (slot, value) in prepared.get().into_iter().flatten() {
            self.set(*slot, value.clone());
        }
    }
}

/// The values of `{base}` and `{http}`: the target without its trailing slash, and as an HTTP URL.
fn places(base: &str) -> [Value; 2] {
    let base = base.trim_end_matches('/');
    [Value::from(base), Value::from(http_url(base))]
}
