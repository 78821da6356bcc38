//! How often a user and a source may do what costs this machine or a vSphere something.
//!
//! The state of each key is a bucket of tokens (GCRA, by `governor`). Keys are hashed to 16 bits with a random seed, which bounds
//! the memory: users or sources that share a bucket share a limit, and no client can choose its bucket.

use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::num::NonZero;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use logins::source::Source;
use tokio::time::Instant;

use crate::error_page::ErrorPage;

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A login, whose password takes memory and time to hash. It has no user yet: a limit by its name would let anybody keep
    /// the user with that name out.
    Login,
    /// A token or one-use login, for a console.
    Token,
    /// A change of a VM's power.
    Power,
    /// A request to the API. Its user is the name of a key.
    Api,
    /// A picture of a VM.
    Picture,
}

/// Requests that are possible at once, and how many more each second.
type Rate = (u32, u32);

/// What a limit has refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limited {
    kind: Kind,
    wait: Duration,
}

type Bucket = u16;
type Limiter = RateLimiter<Bucket, HashMapStateStore<Bucket>, SinceBegin, NoOpMiddleware<Nanos>>;

/// The limits of one kind.
struct Limits {
    user: Limiter,
    source: Limiter,
}

/// All limits.
pub(crate) struct RateLimits {
    seed: RandomState,
    /// Those of the factor that is configured.
    current: RwLock<Arc<AllLimits>>,
}

struct AllLimits {
    factor: u32,
    login: Limits,
    token: Limits,
    power: Limits,
    api: Limits,
    picture: Limits,
}

impl AllLimits {
    fn new(factor: u32) -> Self {
        let limits = |user, source| Limits::new(user, source, factor);
        Self {
            factor,
            // A department behind one address that logs in in the morning. Wrong passwords have penalties besides.
            login: limits((100, 1), (100, 1)),
            // Somebody who opens a folder's consoles in tabs.
            token: limits((60, 1), (300, 10)),
            power: limits((30, 1), (150, 5)),
            // A portal is one source, with one key or several.
            api: limits((200, 20), (400, 40)),
            // Two pages of 200 VMs that are scrolled through, or some 20 windows that show 30 pictures each.
            picture: limits((600, 20), (6000, 200)),
        }
    }
}

impl RateLimits {
    pub(crate) fn new(factor: u32) -> Self {
        Self {
            seed: RandomState::new(),
            current: RwLock::new(Arc::new(AllLimits::new(factor))),
        }
    }

    /// Begins anew with another factor, if it is another.
    pub(crate) fn set_factor(&self, factor: u32) {
        if self.current().factor != factor {
            let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
            *current = Arc::new(AllLimits::new(factor));
        }
    }

    /// Counts a request, unless there were too many of this user or source.
    ///
    /// # Errors
    /// There were too many.
    pub(crate) fn check(
        &self,
        kind: Kind,
        user: Option<&str>,
        source: IpAddr,
    ) -> Result<(), Limited> {
        let current = self.current();
        let limits = match kind {
            Kind::Login => &current.login,
            Kind::Token => &current.token,
            Kind::Power => &current.power,
            Kind::Api => &current.api,
            Kind::Picture => &current.picture,
        };
        let of_user = user.map(|user| (&limits.user, self.bucket(user)));
        let of_source = (&limits.source, self.bucket(Source::from(source)));
        for (limiter, bucket) in of_user.into_iter().chain([of_source]) {
            if let Err(refused) = limiter.check_key(&bucket) {
                let wait = refused.wait_time_from(limiter.clock().now());
                return Err(Limited { kind, wait });
            }
        }
        Ok(())
    }

    fn current(&self) -> Arc<AllLimits> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }

    fn bucket(&self, key: impl Hash) -> Bucket {
        let [low, high, ..] = self.seed.hash_one(key).to_le_bytes();
        Bucket::from_le_bytes([low, high])
    }
}

impl Limits {
    fn new(user: Rate, source: Rate, factor: u32) -> Self {
        Self {
            user: limiter(user, factor),
            source: limiter(source, factor),
        }
    }
}

fn limiter((burst, per_second): Rate, factor: u32) -> Limiter {
    let times = |number: u32| {
        let number = number.saturating_mul(factor);
        NonZero::new(number).unwrap_or(NonZero::<u32>::MIN)
    };
    let quota = Quota::per_second(times(per_second)).allow_burst(times(burst));
    RateLimiter::new(quota, HashMapStateStore::default(), SinceBegin::default())
}

impl Limited {
    /// The value of Retry-After, in seconds.
    pub(crate) fn retry_after(&self) -> HeaderValue {
        self.seconds().into()
    }

    /// What to tell the user.
    pub(crate) fn sentence(&self) -> String {
        let what = match self.kind {
            Kind::Login => "logins from your address",
            Kind::Token => "consoles opened in a short time",
            Kind::Power => "changes of power in a short time",
            Kind::Api => "requests in a short time",
            Kind::Picture => "pictures in a short time",
        };
        format!("Too many {what}: try again in {} s.", self.seconds())
    }

    /// Rounded up: a client that obeys must not come too early.
    fn seconds(&self) -> u64 {
        self.wait.as_secs().saturating_add(1)
    }
}

impl IntoResponse for Limited {
    fn into_response(self) -> Response {
        let page = ErrorPage::new(
            StatusCode::TOO_MANY_REQUESTS,
            "Too many requests",
            self.sentence(),
        );
        (AppendHeaders([(RETRY_AFTER, self.retry_after())]), page).into_response()
    }
}

/// Tokio's clock, which tests can advance.
#[derive(Clone)]
struct SinceBegin(Instant);

impl Default for SinceBegin {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SinceBegin {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.elapsed().into()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const HERE: &str = "192.0.2.1";
    const THERE: &str = "2001:db8:1:2::1";
    const SAME_64: &str = "2001:db8:1:2:ffff::9";

    fn from(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// How many requests are answered before the first that is not.
    fn answered(limits: &RateLimits, kind: Kind, user: Option<&str>, source: &str) -> usize {
        (0..10_000)
            .take_while(|_| limits.check(kind, user, from(source)).is_ok())
            .count()
    }

    #[tokio::test(start_paused = true)]
    async fn a_user_is_limited_wherever_it_is_and_nobody_else_is() {
        let limits = RateLimits::new(1);
        assert_eq!(answered(&limits, Kind::Power, Some("ada"), HERE), 30);
        let refused = limits.check(Kind::Power, Some("ada"), from(THERE));
        let refused = refused.unwrap_err();
        assert_eq!(refused.retry_after(), "2");
        assert_eq!(
            refused.sentence(),
            "Too many changes of power in a short time: try again in 2 s."
        );
        assert_eq!(limits.check(Kind::Power, Some("bob"), from(HERE)), Ok(()));
        assert_eq!(limits.check(Kind::Token, Some("ada"), from(HERE)), Ok(()));
        advance(Duration::from_secs(5)).await;
        assert_eq!(answered(&limits, Kind::Power, Some("ada"), HERE), 5);
        limits.set_factor(3);
        assert_eq!(answered(&limits, Kind::Power, Some("ada"), HERE), 90);
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_is_limited_whoever_it_says_it_is() {
        let limits = RateLimits::new(1);
        assert_eq!(answered(&limits, Kind::Login, None, THERE), 100);
        assert!(limits.check(Kind::Login, None, from(SAME_64)).is_err());
        assert_eq!(limits.check(Kind::Login, None, from(HERE)), Ok(()));
        let users = (0..1000).map(|number| format!("user {number}"));
        let mut by_users = users.map(|user| limits.check(Kind::Token, Some(&user), from(HERE)));
        assert_eq!(by_users.position(|checked| checked.is_err()), Some(300));
    }

    #[tokio::test(start_paused = true)]
    async fn the_memory_is_bounded_whatever_sources_there_are() {
        let limits = RateLimits::new(1);
        for number in 0..200_000_u32 {
            let source = std::net::Ipv4Addr::from_bits(number).into();
            limits.check(Kind::Login, None, source).unwrap();
        }
        assert!(limits.current().login.source.len() <= usize::from(Bucket::MAX) + 1);
    }
}
