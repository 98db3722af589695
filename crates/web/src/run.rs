//! Operations in their own tasks.

use std::sync::LazyLock;
use std::time::Duration;

use kernel::{Code, Coded};
use tokio::sync::watch;
use tracing::Instrument;

/// How many operations are running.
static RUNNING: LazyLock<watch::Sender<usize>> = LazyLock::new(|| watch::channel(0).0);

/// An operation panicked. Its transaction was rolled back; the process lives on.
#[derive(Debug, thiserror::Error)]
#[error("an operation panicked: {0}")]
pub struct Panicked(String);

impl Coded for Panicked {
    fn code(&self) -> Code {
        Code::Internal
    }
}

/// Runs an operation in a task of its own, so that a visitor who hangs up (or a request that takes too long) cannot cut it
/// in two.
///
/// ```text
/// let placed = web::run(async move { place_order(&shop, &shopper, command).await }).await??;
/// ```
pub async fn run<T: Send + 'static>(
    operation: impl Future<Output = T> + Send + 'static,
) -> Result<T, Panicked> {
    let counted = Counted::new();
    let task = tokio::spawn(
        async move {
            let _counted = counted;
            operation.await
        }
        .in_current_span(),
    );
    task.await.map_err(|error| match error.try_into_panic() {
        Ok(panic) => Panicked(panic_text(panic.as_ref())),
        Err(error) => Panicked(error.to_string()),
    })
}

/// Waits until no operation is running, at most this long. Returns how many still are.
pub async fn operations_finished(within: Duration) -> usize {
    let mut running = RUNNING.subscribe();
    match tokio::time::timeout(within, running.wait_for(|count| *count == 0)).await {
        Ok(Ok(_)) => 0,
        Ok(Err(_)) | Err(_) => *RUNNING.borrow(),
    }
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without words".to_owned())
}

struct Counted;

impl Counted {
    fn new() -> Self {
        RUNNING.send_modify(|count| *count += 1);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        RUNNING.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn a_visitor_who_hangs_up_does_not_cut_an_operation_in_two() {
        let (go, wait) = oneshot::channel::<()>();
        let (done, finished) = oneshot::channel::<&str>();
        let request = tokio::spawn(run(async move {
            wait.await.unwrap();
            done.send("both halves").unwrap();
        }));
        tokio::task::yield_now().await;
        request.abort();
        assert!(request.await.unwrap_err().is_cancelled());
        go.send(()).unwrap();
        assert_eq!(finished.await.unwrap(), "both halves");
    }

    #[tokio::test]
    async fn a_panic_becomes_an_internal_error_with_its_words() {
        let panics = async { panic!("the till is on fire") };
        let error = run::<()>(panics).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "an operation panicked: the till is on fire"
        );
        assert_eq!(error.code(), Code::Internal);
    }
}
