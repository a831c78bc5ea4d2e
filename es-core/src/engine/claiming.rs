//! Claiming a shard, where it still is divided as this process knows it.

use super::runner::Shared;
use crate::{
    projection::{Claim, ProjectionSchema, ProjectionStore, Roster, ShardId},
    store::StoreError,
};

/// Claims a shard; `None` where it cannot be had, or belongs to another division: then its keys are others than we think.
pub(super) async fn claim<S: ProjectionStore>(
    common: &Shared<S>,
    schema: &ProjectionSchema,
    shard: ShardId,
) -> Result<Option<Claim>, StoreError> {
    let Some(claim) = common.store.claim(&common.info, shard).await? else { return Ok(None) };
    // Asked behind the claim: what is owned is not divided anew.
    if is_divided_as(schema, &common.store.roster(&[schema.id]).await?) {
        return Ok(Some(claim));
    }
    common.store.release(&claim).await?;
    Ok(None)
}

/// Whether a projection has as many shards as we know of.
pub(super) fn is_divided_as(schema: &ProjectionSchema, roster: &Roster) -> bool {
    let shards = roster.shards.iter().filter(|state| state.shard.projection == schema.id).count();
    u32::try_from(shards) == Ok(schema.shards)
}
