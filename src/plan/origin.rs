//! Where a new revision comes from, said by its tags; and what may not be
//! overwritten because of that.

use sha2::{Digest as _, Sha256};

use super::*;
use crate::model::fields::Root;
use crate::model::{MOST_TAGS, commit_of, fingerprint_of, without_provenance};

/// Lets the revision that a change registers say where it comes from. What the
/// live one says of itself is not handed on, whether or not there is something
/// to say instead.
pub(super) fn mark(
    change: &mut Change,
    desired: &DesiredService,
    provenance: Option<&Provenance>,
) -> Option<Note> {
    if matches!(change.to, Target::Existing(_)) {
        return None;
    }
    let others = without_provenance(&change.wanted_tags).len();
    let says = provenance.map_or_else(Vec::new, |provenance| {
        provenance.tags(&fingerprint(desired, &change.after).to_string())
    });
    let fits = others + says.len() <= MOST_TAGS;
    if fits {
        change.provenance = says;
    }
    change.to = Target::New(change.after.register_request(&change.tags_after()));
    (!fits).then_some(Note::NoRoomForProvenance { tags: others })
}

/// Stands for what is declared: the same for the same images and fields, as they
/// are registered, in any order. The service's own fields have a part to
/// themselves, since a revision outlives changes of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fingerprint {
    pub document: String,
    /// Empty when nothing of the service itself is declared.
    service: String,
}

impl Fingerprint {
    /// What a revision with these tags was made from.
    pub fn of(tags: &[Value]) -> Option<Self> {
        let value = fingerprint_of(tags).filter(|value| !value.is_empty())?;
        let (document, service) = value.split_once('-').unwrap_or((value, ""));
        Some(Self {
            document: document.to_owned(),
            service: service.to_owned(),
        })
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.document)?;
        if self.service.is_empty() {
            return Ok(());
        }
        write!(f, "-{}", self.service)
    }
}

pub(super) fn fingerprint(desired: &DesiredService, registered: &TaskDefinition) -> Fingerprint {
    let names = registered.container_names();
    let declared: BTreeSet<&str> = desired
        .images
        .iter()
        .filter_map(|image| image.container.as_deref().or(names.first().copied()))
        .collect();
    let fields = |of_service: bool| {
        let assigned = desired
            .assignments
            .iter()
            .filter(move |declared| (declared.path.root == Root::Service) == of_service)
            .map(|declared| format!("{}={}\n", declared.path, declared.value));
        let removed = desired
            .remove
            .iter()
            .filter(move |removal| (removal.path.root == Root::Service) == of_service)
            .map(|removal| format!("-{}\n", removal.path));
        assigned.chain(removed)
    };
    let definition = desired.definition.iter().map(|definition| {
        let document = Value::Object(definition.document.as_map().clone());
        format!("definition={document}\n")
    });
    let mut of_document: Vec<String> = fields(false).chain(definition).collect();
    of_document.sort_unstable();
    let images = declared.into_iter().map(|container| {
        let image = registered.image(container).unwrap_or_default();
        format!("{container}={image}\n")
    });
    let mut of_service: Vec<String> = fields(true).collect();
    of_service.sort_unstable();
    Fingerprint {
        document: hash(&images.chain(of_document).collect::<String>()),
        service: if of_service.is_empty() {
            String::new()
        } else {
            hash(&of_service.concat())
        },
    }
}

fn hash(text: &str) -> String {
    Sha256::digest(text)
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

impl Change {
    /// The tags of the revision that this change deploys.
    pub fn tags_after(&self) -> Vec<Value> {
        match self.to {
            Target::Existing(_) => self.tags.clone(),
            Target::New(_) => {
                let mut tags = without_provenance(&self.wanted_tags);
                tags.extend(self.provenance.iter().cloned());
                tags
            }
        }
    }

    /// What to register where the tags that say where it comes from are not
    /// allowed; `None` when there are none to leave out.
    pub fn request_without_provenance(&self) -> Option<Map<String, Value>> {
        (!self.provenance.is_empty()).then(|| {
            self.after
                .register_request(&without_provenance(&self.wanted_tags))
        })
    }

    /// The commit that what runs was deployed from. A restart takes nothing
    /// from it, so it is not asked for then.
    fn overwrites(&self) -> Option<Commit> {
        commit_of(&self.tags).filter(|_| !self.restart)
    }
}

impl Plan {
    /// The commits that what would be overwritten was deployed from, as far as
    /// they are known.
    pub fn overwrites(&self) -> BTreeSet<Commit> {
        self.services
            .iter()
            .filter_map(|service| match &service.verdict {
                Verdict::Change(change) => change.overwrites(),
                _ => None,
            })
            .collect()
    }

    /// The same plan, but blocked where it would overwrite what was deployed
    /// from one of these commits, which are newer than `ours`.
    pub fn refuse_older(mut self, ours: &Commit, newer: &BTreeSet<Commit>) -> Self {
        for service in &mut self.services {
            if let Verdict::Change(change) = &service.verdict
                && let Some(live) = change.overwrites()
                && newer.contains(&live)
            {
                let ours = ours.clone();
                service.verdict = Verdict::Blocked(vec![Block::Older { live, ours }]);
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NEW: &str = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432";
    const OLD: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567";

    fn commit(text: &str) -> Commit {
        text.parse().unwrap()
    }

    fn provenance() -> Provenance {
        Provenance {
            environment: "prod".into(),
            commit: Some(commit(NEW)),
            run: None,
        }
    }

    fn declared(services: &str) -> DesiredService {
        let head = "account = \"123456789012\"\nregion = \"us-west-1\"\ncluster = \"prod\"\n";
        crate::environment::parse("f", "prod", &format!("{head}[services.web]\n{services}"))
            .unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false, 80)))
            .services
            .remove(0)
    }

    fn document(containers: &[(&str, &str)]) -> TaskDefinition {
        let containers: Vec<Value> = containers
            .iter()
            .map(|(name, image)| json!({"name": name, "image": image}))
            .collect();
        serde_json::from_value(json!({"family": "web", "containerDefinitions": containers}))
            .unwrap()
    }

    /// Registers `app:2`; what runs has these tags.
    fn change(tags: Vec<Value>) -> Change {
        let after = document(&[("app", "app:2")]);
        Change {
            basis: Basis {
                revision: "arn:aws:ecs:us-west-1:123456789012:task-definition/web:7"
                    .parse()
                    .unwrap(),
                deployment: "ecs-svc/1".parse().unwrap(),
                made: None,
            },
            to: Target::New(after.register_request(&tags)),
            images: vec![],
            fields: vec![],
            service: ServiceChange::default(),
            restart: false,
            first: vec![],
            supersedes: None,
            before: document(&[("app", "app:1")]),
            after,
            wanted_tags: tags.clone(),
            tags,
            provenance: vec![],
        }
    }

    fn tag(key: &str, value: &str) -> Value {
        json!({"key": key, "value": value})
    }

    fn registered(change: &Change) -> Option<&Value> {
        match &change.to {
            Target::New(request) => request.get("tags"),
            Target::Existing(_) => panic!("nothing is registered"),
        }
    }

    fn plan_of(change: Change) -> Plan {
        Plan {
            environment: "prod".into(),
            account: "123456789012".parse().unwrap(),
            region: "us-west-1".parse().unwrap(),
            cluster: "prod".parse().unwrap(),
            services: vec![ServicePlan {
                name: "web".into(),
                key: ServiceKey {
                    cluster: "prod".parse().unwrap(),
                    service: "web".parse().unwrap(),
                },
                timeout: std::time::Duration::from_secs(60),
                on_failure: OnFailure::Rollback,
                watch_only: false,
                healthy: None,
                marked: false,
                live: None,
                verdict: Verdict::Change(Box::new(change)),
                notes: vec![],
            }],
        }
    }

    #[test]
    fn a_new_revision_says_where_it_comes_from_and_keeps_other_tags() {
        let service = declared("image = \"app:2\"");
        let live = vec![
            tag("evenkeel:commit", OLD),
            tag("team", "web"),
            tag("evenkeel:run", "of the live one"),
        ];
        let mut change = change(live);
        assert_eq!(mark(&mut change, &service, Some(&provenance())), None);
        let fingerprint = fingerprint(&service, &change.after).to_string();
        assert_eq!(fingerprint.len(), 16);
        assert_eq!(
            registered(&change),
            Some(&json!([
                tag("team", "web"),
                tag("evenkeel:environment", "prod"),
                tag("evenkeel:commit", NEW),
                tag("evenkeel:fingerprint", &fingerprint),
            ]))
        );
        let plain = change.request_without_provenance().unwrap();
        assert_eq!(plain["tags"], json!([tag("team", "web")]));
    }

    #[test]
    fn without_provenance_nothing_stale_is_handed_on() {
        let service = declared("image = \"app:2\"");
        let mut stale = change(vec![tag("evenkeel:commit", OLD), tag("team", "web")]);
        assert_eq!(mark(&mut stale, &service, None), None);
        assert_eq!(registered(&stale), Some(&json!([tag("team", "web")])));
        assert_eq!(stale.request_without_provenance(), None);

        let mut plain = change(vec![]);
        let before = plain.clone();
        assert_eq!(mark(&mut plain, &service, None), None);
        assert_eq!(plain, before);
    }

    #[test]
    fn a_revision_that_is_there_stays_as_it_is() {
        let mut existing = change(vec![tag("evenkeel:commit", OLD)]);
        existing.to = Target::Existing(existing.basis.revision.clone());
        let before = existing.clone();
        let service = declared("image = \"app:2\"");
        assert_eq!(mark(&mut existing, &service, Some(&provenance())), None);
        assert_eq!(existing, before);
        assert_eq!(existing.tags_after(), before.tags);
    }

    #[test]
    fn other_tags_come_first_where_there_is_room_for_fifty() {
        let service = declared("image = \"app:2\"");
        let some = |n: usize| -> Vec<Value> {
            let mut tags: Vec<_> = (0..n).map(|i| tag(&format!("k{i}"), "")).collect();
            tags.push(tag("evenkeel:run", "does not count"));
            tags
        };
        // Three of ours: there is no run.
        let mut fits = change(some(47));
        assert_eq!(mark(&mut fits, &service, Some(&provenance())), None);
        assert_eq!(fits.tags_after().len(), 50);

        let mut full = change(some(48));
        assert_eq!(
            mark(&mut full, &service, Some(&provenance())),
            Some(Note::NoRoomForProvenance { tags: 48 })
        );
        assert_eq!(full.tags_after().len(), 48);
        assert_eq!(full.request_without_provenance(), None);
    }

    #[test]
    fn a_fingerprint_is_of_what_is_declared_and_nothing_else() {
        let two = |first: &str, second: &str| {
            declared(&format!("containers.{first}\ncontainers.{second}\n"))
        };
        let (app, proxy) = ("app.image = \"app:2\"", "proxy.image = \"proxy:1\"");
        let registered = document(&[
            ("app", "app:2@digest"),
            ("proxy", "proxy:1"),
            ("log", "l:1"),
        ]);
        let whole = fingerprint(&two(app, proxy), &registered);
        assert_eq!(fingerprint(&two(proxy, app), &registered), whole);
        // A container that nobody declares may change, and stand elsewhere.
        let moved = document(&[
            ("log", "l:2"),
            ("proxy", "proxy:1"),
            ("app", "app:2@digest"),
        ]);
        assert_eq!(fingerprint(&two(app, proxy), &moved), whole);
        // What is registered counts, not what is written.
        let other = document(&[("app", "app:2@other"), ("proxy", "proxy:1")]);
        assert_ne!(fingerprint(&two(app, proxy), &other), whole);
        // The only container is the same with and without its name.
        let only = document(&[("app", "app:2")]);
        assert_eq!(
            fingerprint(&declared("image = \"app:2\""), &only),
            fingerprint(&declared("containers.app.image = \"app:2\""), &only)
        );
    }

    #[test]
    fn what_is_newer_is_not_overwritten() {
        let live = || change(vec![tag("evenkeel:commit", NEW)]);
        let newer = BTreeSet::from([commit(NEW)]);
        assert_eq!(plan_of(live()).overwrites(), newer);

        let verdict = |plan: Plan| plan.services()[0].verdict.clone();
        let (live_commit, ours) = (commit(NEW), commit(OLD));
        assert_eq!(
            verdict(plan_of(live()).refuse_older(&ours, &newer)),
            Verdict::Blocked(vec![Block::Older {
                live: live_commit,
                ours: ours.clone(),
            }])
        );
        let untouched = |change: Change, newer: &BTreeSet<Commit>| {
            let plan = plan_of(change);
            assert_eq!(plan.clone().refuse_older(&ours, newer), plan);
        };
        untouched(live(), &BTreeSet::new());
        untouched(change(vec![]), &newer);
        // A restart puts nothing in the place of what runs.
        let mut restart = live();
        restart.restart = true;
        assert_eq!(plan_of(restart.clone()).overwrites(), BTreeSet::new());
        untouched(restart, &newer);
    }
}
