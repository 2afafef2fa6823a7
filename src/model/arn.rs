//! The ARNs and ids of ECS that are kept, taken apart where the parts matter.

use std::fmt;
use std::str::FromStr;

use super::names::{AccountId, ClusterName, Invalid, Region, ServiceName, checked_text};

/// The fixed parts of every ARN: `arn:partition:service:region:account:resource`.
struct Parts<'a> {
    region: Region,
    account: AccountId,
    resource: &'a str,
}

fn split<'a>(text: &'a str, what: &str) -> Result<Parts<'a>, Invalid> {
    let mut fields = text.splitn(6, ':');
    let mut next = || fields.next().unwrap_or_default();
    let (head, partition, service) = (next(), next(), next());
    let (region, account, resource) = (next(), next(), next());
    if head != "arn" || !partition.starts_with("aws") || service != "ecs" {
        return Err(Invalid::because(format!("this is not the ARN of {what}")));
    }
    Ok(Parts {
        region: region.parse()?,
        account: account.parse()?,
        resource,
    })
}

/// Declares an ARN that keeps its text beside its parts; equality, order and
/// serialization are the text's.
macro_rules! arn_traits {
    ($name:ident) => {
        impl $name {
            /// The whole ARN.
            pub fn as_str(&self) -> &str {
                &self.text
            }
        }
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.text == other.text
            }
        }
        impl Eq for $name {}
        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }
        impl Ord for $name {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                self.text.cmp(&other.text)
            }
        }
        impl std::hash::Hash for $name {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.text.hash(state);
            }
        }
        impl TryFrom<String> for $name {
            type Error = Invalid;
            fn try_from(text: String) -> Result<Self, Invalid> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(arn: $name) -> String {
                arn.text
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.text)
            }
        }
    };
}

/// One revision of a task definition:
/// `arn:aws:ecs:REGION:ACCOUNT:task-definition/FAMILY:REVISION`.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RevisionArn {
    text: String,
    region: Region,
    account: AccountId,
    family: String,
    revision: u64,
}
arn_traits!(RevisionArn);

impl RevisionArn {
    pub fn region(&self) -> &Region {
        &self.region
    }
    pub fn account(&self) -> &AccountId {
        &self.account
    }
    pub fn family(&self) -> &str {
        &self.family
    }
    /// The number of the revision in its family, from 1.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Another revision in the same account and region.
    #[must_use]
    pub fn sibling(&self, family: &str, revision: u64) -> Self {
        // A family has no slash in it.
        let own = self.text.rfind('/').map_or(0, |slash| slash + 1);
        Self {
            text: format!("{}{family}:{revision}", &self.text[..own]),
            family: family.to_owned(),
            revision,
            ..self.clone()
        }
    }
}

impl FromStr for RevisionArn {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let parts = split(text, "a task definition revision")?;
        let (family, revision) = parts
            .resource
            .strip_prefix("task-definition/")
            .and_then(|rest| rest.rsplit_once(':'))
            .filter(|(family, _)| !family.is_empty() && !family.contains(['/', ':']))
            .ok_or_else(|| Invalid::because("this ARN names no task definition revision"))?;
        let revision = revision
            .parse()
            .map_err(|_| Invalid::because("this ARN ends in no revision number"))?;
        Ok(Self {
            text: text.to_owned(),
            region: parts.region,
            account: parts.account,
            family: family.to_owned(),
            revision,
        })
    }
}

/// A service: `arn:aws:ecs:REGION:ACCOUNT:service/CLUSTER/NAME`. The old form
/// without the cluster is accepted too; accounts from before 2018 still have it.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServiceArn {
    text: String,
    region: Region,
    account: AccountId,
    cluster: Option<ClusterName>,
    service: ServiceName,
}
arn_traits!(ServiceArn);

impl ServiceArn {
    pub fn region(&self) -> &Region {
        &self.region
    }
    pub fn account(&self) -> &AccountId {
        &self.account
    }
    pub fn cluster(&self) -> Option<&ClusterName> {
        self.cluster.as_ref()
    }
    pub fn service(&self) -> &ServiceName {
        &self.service
    }
}

impl FromStr for ServiceArn {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let parts = split(text, "an ECS service")?;
        let rest = parts
            .resource
            .strip_prefix("service/")
            .ok_or_else(|| Invalid::because("this ARN names no ECS service"))?;
        let (cluster, service) = match rest.split_once('/') {
            Some((cluster, service)) => (Some(cluster.parse()?), service.parse()?),
            None => (None, rest.parse()?),
        };
        Ok(Self {
            text: text.to_owned(),
            region: parts.region,
            account: parts.account,
            cluster,
            service,
        })
    }
}

checked_text!(
    /// The id of a deployment in DescribeServices, such as `ecs-svc/1234567890123456789`.
    DeploymentId,
    check_filled
);

checked_text!(
    /// The ARN of a service revision: what a service deployment was made from
    /// and to. Opaque here.
    ServiceRevisionArn,
    check_filled
);

fn check_filled(text: &str) -> Result<(), Invalid> {
    if text.is_empty() {
        return Err(Invalid::because("the id is empty"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_arn_comes_apart() {
        let arn: RevisionArn =
            "arn:aws-us-gov:ecs:us-gov-east-1:123456789012:task-definition/web-api:41"
                .parse()
                .unwrap();
        assert_eq!(arn.family(), "web-api");
        assert_eq!(arn.revision(), 41);
        assert_eq!(arn.account().as_str(), "123456789012");
        assert_eq!(arn.region().as_str(), "us-gov-east-1");
        let other = arn.sibling("worker", 7);
        assert_eq!(other.as_str().parse::<RevisionArn>().unwrap(), other);
        assert_eq!((other.family(), other.revision()), ("worker", 7));
        assert_eq!(other.region(), arn.region());
    }

    #[test]
    fn what_is_no_revision_arn_is_refused() {
        for wrong in [
            "web-api:41",
            "arn:aws:ecs:us-west-1:123456789012:task-definition/web-api",
            "arn:aws:ecs:us-west-1:123456789012:task-definition/:1",
            "arn:aws:ecs:us-west-1:123456789012:task-definition/web:latest",
            "arn:aws:ecs:us-west-1:123456789012:service/c/web:1",
            "arn:aws:iam:us-west-1:123456789012:task-definition/web:1",
        ] {
            assert!(wrong.parse::<RevisionArn>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn service_arns_of_both_ages_are_read() {
        let new: ServiceArn = "arn:aws:ecs:us-west-1:123456789012:service/prod/api"
            .parse()
            .unwrap();
        assert_eq!(new.cluster().unwrap().as_str(), "prod");
        assert_eq!(new.service().as_str(), "api");
        let old: ServiceArn = "arn:aws:ecs:us-west-1:123456789012:service/api"
            .parse()
            .unwrap();
        assert_eq!(old.cluster(), None);
        assert_eq!(old.service().as_str(), "api");
    }
}
