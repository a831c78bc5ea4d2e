//! Which engine should have which shard: the same answer in every engine that sees the same roster.

use crate::projection::{EngineId, ProjectionId, Roster, ShardId};

/// The shards that this engine should have: of those that the same engines run, in their order, each engine has every
/// n-th. So they are spread evenly, to within one for each group of engines. The order is that of their names: each engine's
/// roster has its projections as it has registered them, which need not be as others have.
pub(super) fn wanted(me: EngineId, roster: &Roster) -> Vec<ShardId> {
    let mut groups: Vec<(Vec<EngineId>, usize)> = Vec::new();
    let mut wanted = Vec::new();
    let mut shards: Vec<_> = roster.shards.iter().map(|state| state.shard).collect();
    shards.sort_unstable();
    for shard in shards {
        let runners = runners(roster, shard.projection);
        let group = groups.iter().position(|(known, _)| *known == runners).unwrap_or_else(|| {
            groups.push((runners, 0));
            groups.len() - 1
        });
        let (runners, turn) = &mut groups[group];
        if let Some(owner) = runners.get(*turn % runners.len().max(1))
            && *owner == me
        {
            wanted.push(shard);
        }
        *turn += 1;
    }
    wanted
}

/// The engines that run a projection, in the order of their ids.
fn runners(roster: &Roster, projection: ProjectionId) -> Vec<EngineId> {
    let runs = |(_, projections): &&(EngineId, Vec<ProjectionId>)| projections.contains(&projection);
    let mut runners: Vec<_> = roster.engines.iter().filter(runs).map(|(engine, _)| *engine).collect();
    runners.sort_unstable();
    runners
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::wanted;
    use crate::{
        projection::{EngineId, ProjectionId, Roster, ShardId, ShardState},
        recorded::Position,
    };

    const fn projection(name: &'static str) -> ProjectionId {
        ProjectionId { name, version: 1 }
    }

    fn engine(number: u128) -> EngineId {
        EngineId::from_uuid(Uuid::from_u128(number))
    }

    fn roster(engines: &[(u128, &[&'static str])], projections: &[(&'static str, u32)]) -> Roster {
        let engines = engines
            .iter()
            .map(|(number, runs)| (engine(*number), runs.iter().map(|name| projection(name)).collect()))
            .collect();
        let shards = projections
            .iter()
            .flat_map(|(name, shards)| (0..*shards).map(|shard| ShardId { projection: projection(name), shard }))
            .map(|shard| ShardState::new(shard, Position::START, DateTime::UNIX_EPOCH))
            .collect();
        Roster::new(engines, shards, Vec::new())
    }

    #[test]
    fn every_shard_is_wanted_by_one_engine_and_each_wants_as_many() {
        let projections = [("a", 1), ("b", 4), ("c", 1), ("d", 3)];
        for engines in 1..=4_u128 {
            let all: Vec<(u128, &[&'static str])> =
                (1..=engines).map(|number| (number, ["a", "b", "c", "d"].as_slice())).collect();
            let roster = roster(&all, &projections);
            let each: Vec<_> = (1..=engines).map(|number| wanted(engine(number), &roster)).collect();
            let mut together: Vec<_> = each.concat();
            together.sort_unstable();
            assert_eq!(together, roster.shards.iter().map(|state| state.shard).collect::<Vec<_>>());
            let sizes = each.iter().map(Vec::len);
            assert!(sizes.clone().max().unwrap_or(0) - sizes.min().unwrap_or(0) <= 1, "{each:?}");
        }
    }

    #[test]
    fn it_does_not_matter_in_which_order_an_engine_has_registered_them() {
        let engines: [(u128, &[&'static str]); 2] = [(1, &["a", "b", "c"]), (2, &["b", "c", "a"])];
        let first = wanted(engine(1), &roster(&engines, &[("a", 1), ("b", 1), ("c", 1)]));
        let second = wanted(engine(2), &roster(&engines, &[("b", 1), ("c", 1), ("a", 1)]));
        let mut together = [first, second].concat();
        together.sort_unstable();
        assert_eq!(together.iter().map(|shard| shard.projection.name).collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn an_engine_is_given_only_what_it_runs() {
        let roster = roster(&[(1, &["a", "b"]), (2, &["b"])], &[("a", 2), ("b", 2), ("c", 1)]);
        let names = |number| wanted(engine(number), &roster).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(1), ["a v1, shard 0", "a v1, shard 1", "b v1, shard 0"]);
        assert_eq!(names(2), ["b v1, shard 1"]);
        assert!(wanted(engine(3), &roster).is_empty());
    }
}
