//! The regions that there are, to suggest none that there is not. A region that
//! is not listed here is no mistake: AWS opens new ones.

/// From the partitions' metadata in the AWS SDK for Rust (aws-sdk-ecs 1.157,
/// `endpoint_lib.rs`), without the pseudo-regions such as `aws-global`.
/// `eusc-de-east-1` is left out: [`crate::model::Region`] does not take it.
const KNOWN: [&str; 45] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-isoe-west-1",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-iso-east-1",
    "us-iso-west-1",
    "us-isob-east-1",
    "us-isob-west-1",
    "us-isof-east-1",
    "us-isof-south-1",
    "us-west-1",
    "us-west-2",
];

/// Past this many that are equally near, none is worth naming.
const NAMED: usize = 3;

/// The regions that a text may have meant: that of a zone (`us-west-2b`,
/// `us-west-2-lax-1a`), or those within a slip or two.
pub(super) fn meant(text: &str) -> Vec<&'static str> {
    if text.len() > 64 {
        return Vec::new();
    }
    let lower = text.trim().to_lowercase().replace('_', "-");
    let zone_of = |region: &&&str| {
        lower
            .strip_prefix(**region)
            .is_some_and(|zone| !zone.starts_with(|c: char| c.is_ascii_digit()))
    };
    if let Some(region) = KNOWN.iter().find(zone_of) {
        return vec![region];
    }
    let plain = |text: &str| text.replace(['-', ' '], "");
    let wanted = plain(&lower);
    let distance = |region: &str| strsim::damerau_levenshtein(&wanted, &plain(region));
    let nearest = KNOWN.iter().map(|region| distance(region)).min();
    let near: Vec<&str> = KNOWN
        .into_iter()
        .filter(|region| Some(distance(region)) == nearest)
        .collect();
    match nearest {
        Some(0..=2) if near.len() <= NAMED => near,
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Region;

    #[test]
    fn every_region_is_one() {
        assert!(KNOWN.is_sorted());
        for region in KNOWN {
            assert!(region.parse::<Region>().is_ok(), "{region}");
        }
    }

    #[test]
    fn only_regions_that_there_are_are_meant() {
        for (text, regions) in [
            ("us-west-1a", &["us-west-1"][..]),
            ("us-west-2-lax-1a", &["us-west-2"]),
            ("US_East_1", &["us-east-1"]),
            ("useast1", &["us-east-1"]),
            ("eu-centrall-1", &["eu-central-1"]),
            ("us-west", &["us-west-1", "us-west-2"]),
            ("us-west-9x", &["us-west-1", "us-west-2"]),
            ("us-west-11", &["us-west-1"]),
            ("Oregon", &[]),
            ("", &[]),
        ] {
            assert_eq!(meant(text), regions, "{text}");
        }
    }
}
