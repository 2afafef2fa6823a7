//! Reads that lag behind an update, as ECS's own do now and then.

use super::super::clock::Millis;
use super::super::options::Options;
use super::super::state::{Service, Stale};

/// Remembers what the service is before an update changes it.
pub(super) fn remember(service: &mut Service, options: Options, now: Millis) {
    service
        .stale
        .retain(|stale| stale.services_until.max(stale.deployments_until) > now);
    if options.services_lag.max(options.deployments_lag) <= 0 {
        return;
    }
    let before = Service {
        stale: Vec::new(),
        ..service.clone()
    };
    service.stale.push(Stale {
        services_until: now + options.services_lag,
        deployments_until: now + options.deployments_lag,
        service: before,
    });
}

/// The service as DescribeServices shows it.
pub(super) fn described(service: &Service, now: Millis) -> &Service {
    shown(service, |stale| stale.services_until > now)
}

/// The service as ListServiceDeployments shows it.
pub(super) fn listed(service: &Service, now: Millis) -> &Service {
    shown(service, |stale| stale.deployments_until > now)
}

fn shown(service: &Service, lags: impl Fn(&Stale) -> bool) -> &Service {
    let before = service.stale.iter().find(|stale| lags(stale));
    before.map_or(service, |stale| &stale.service)
}
