//! The page while it is served: its listener, the reload of its settings, its end.

use std::pin::pin;
use std::sync::Arc;

use gateway::settings::Web;
use gateway::{StartError, WebEntrance};
use tracing::{debug, error, info};

use crate::app::{App, Routed};
use crate::connection::serve;
use crate::listening::Listening;

/// The page of a gateway, if `[web]` is configured.
pub struct Page {
    app: Arc<App>,
    listening: Option<Listening>,
}

impl Page {
    /// Binds the address of `[web]`.
    ///
    /// # Errors
    /// It cannot be bound.
    pub async fn bind(entrance: WebEntrance) -> Result<Self, StartError> {
        let settings = entrance.settings();
        let app = Arc::new(App::new(entrance));
        let listening = match settings {
            Some(web) => Some(Listening::bind(web, &app).await?),
            None => None,
        };
        Ok(Self { app, listening })
    }

    /// The page's address for a browser, if it is served.
    pub fn url(&self) -> Option<String> {
        let listening = self.listening.as_ref()?;
        let scheme = match listening.web.tls {
            Some(_) => "https",
            None => "http",
        };
        Some(format!("{scheme}://{}/", listening.address()))
    }

    /// Serves until the gateway drains; applies each reload of the settings.
    pub async fn run(mut self) {
        let mut entrance = self.app.entrance.clone();
        let closing = entrance.closing();
        let app = Arc::clone(&self.app);
        let mut live = pin!(app.live.run(entrance.clone()));
        loop {
            let next = async {
                match &self.listening {
                    Some(listening) => listening.accept().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = closing.cancelled() => break,
                () = &mut live => break,
                () = entrance.changed() => self.apply(entrance.settings()).await,
                (permit, stream, peer) = next => {
                    let Some(listening) = &self.listening else { continue };
                    let (app, web) = (Arc::clone(&self.app), Arc::clone(&listening.web));
                    let (routes, closing) = (listening.routes.clone(), closing.clone());
                    let served = self.app.entrance.spawn(stream, |stream| async move {
                        let _until_it_ends = permit;
                        serve(stream, peer, Routed { app, web }, routes, closing).await;
                    });
                    if let Err(error) = served {
                        debug!(client = %peer, "a connection to [web] was not served ({error})");
                    }
                }
            }
        }
        self.app.pictures.end().await;
    }

    /// Takes the new settings. A new address is bound first; if that fails, the page keeps its old one.
    async fn apply(&mut self, web: Option<Arc<Web>>) {
        if let Some(web) = &web {
            self.app.rate_limits.set_factor(web.rate_limit_factor);
        }
        match (web, &mut self.listening) {
            (Some(web), Some(listening)) if listening.web.listen == web.listen => {
                listening.apply(web, &self.app);
            }
            (Some(web), listening) => match Listening::bind(web, &self.app).await {
                Ok(bound) => {
                    info!(listen = %bound.address(), "the page is served");
                    *listening = Some(bound);
                }
                Err(error) => error!("the page keeps its previous address: {error}"),
            },
            (None, listening) => *listening = None,
        }
    }
}
