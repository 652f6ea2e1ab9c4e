// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The states of a keep, through the raw ioctls: each cell of the table in
 * <linux/tapkeep.h>.
 */
#include "module_common.h"

FIXTURE(states) {
	struct nic nic;
	int owner;
};

FIXTURE_SETUP(states)
{
	ASSERT_EQ(0, nic_open(&self->nic));
	self->owner = self->nic.owner;
}

FIXTURE_TEARDOWN(states)
{
	keep_release(self->owner);
}

TEST_F(states, a_new_keep_is_active_and_of_generation_1)
{
	struct tapkeep_info info;

	ASSERT_EQ(0, keep_info(self->owner, &info));
	EXPECT_EQ(TAPKEEP_ACTIVE, info.state);
	EXPECT_EQ(TAPKEEP_ROLE_OWNER, info.role);
	EXPECT_EQ(1, info.generation);
	EXPECT_EQ(1, info.nr_queues);
	EXPECT_STREQ("nic", info.name);
	EXPECT_EQ(if_index("tap0"), info.ifindex);
	EXPECT_EQ(getpid(), info.owner_pid);
}

TEST_F(states, a_new_keep_has_the_limits_that_were_asked_for)
{
	struct tapkeep_info info;

	ASSERT_EQ(0, keep_info(keep_create_with("x", 5000, 7000), &info));
	EXPECT_EQ(5000, info.hold_limit);
	EXPECT_EQ(7000, info.lease_ms);
}

TEST_F(states, a_new_keep_has_the_modules_limits_if_none_are_asked_for)
{
	struct tapkeep_info info;

	ASSERT_EQ(0, keep_info(keep_create_with("x", 0, 0), &info));
	EXPECT_EQ(16384, info.hold_limit);
	EXPECT_EQ(30000, info.lease_ms);
}

TEST_F(states, freeze_makes_an_active_keep_frozen)
{
	EXPECT_EQ(0, keep_freeze(self->owner));
	EXPECT_EQ(TAPKEEP_FROZEN, keep_state(self->owner));
}

TEST_F(states, freeze_of_a_frozen_keep_changes_nothing)
{
	ASSERT_EQ(0, keep_freeze(self->owner));
	EXPECT_EQ(0, keep_freeze(self->owner));
	EXPECT_EQ(TAPKEEP_FROZEN, keep_state(self->owner));
}

TEST_F(states, freeze_without_a_queue_is_refused)
{
	int empty = keep_create("empty");

	ASSERT_LE(0, empty);
	EXPECT_EQ(-EBADFD, keep_freeze(empty));
	EXPECT_EQ(TAPKEEP_ACTIVE, keep_state(empty));
}

TEST_F(states, thaw_makes_a_frozen_keep_active)
{
	ASSERT_EQ(0, keep_freeze(self->owner));
	EXPECT_EQ(0, keep_thaw(self->owner));
	EXPECT_EQ(TAPKEEP_ACTIVE, keep_state(self->owner));
}

TEST_F(states, thaw_of_an_active_keep_changes_nothing)
{
	EXPECT_EQ(0, keep_thaw(self->owner));
	EXPECT_EQ(TAPKEEP_ACTIVE, keep_state(self->owner));
}

TEST_F(states, revoke_of_an_active_keep_changes_nothing)
{
	EXPECT_EQ(0, keep_revoke(self->owner));
	EXPECT_EQ(TAPKEEP_ACTIVE, keep_state(self->owner));
}

TEST_F(states, revoke_leaves_a_frozen_keep_frozen)
{
	ASSERT_EQ(0, keep_freeze(self->owner));
	EXPECT_EQ(0, keep_revoke(self->owner));
	EXPECT_EQ(TAPKEEP_FROZEN, keep_state(self->owner));
}

TEST_F(states, offer_of_an_active_keep_is_refused)
{
	EXPECT_EQ(-EBUSY, keep_offer(self->owner));
}

TEST_F(states, claim_by_offer_makes_a_new_owner_of_the_frozen_keep)
{
	int offer, claimer;

	ASSERT_EQ(0, keep_freeze(self->owner));
	offer = keep_offer(self->owner);
	ASSERT_LE(0, offer);
	EXPECT_EQ(TAPKEEP_ROLE_OFFER, keep_role(offer));
	claimer = keep_claim_offer(offer);
	ASSERT_LE(0, claimer);
	EXPECT_EQ(TAPKEEP_ROLE_OWNER, keep_role(claimer));
	EXPECT_EQ(TAPKEEP_FROZEN, keep_state(claimer));
	EXPECT_EQ(2, keep_generation(claimer));
	EXPECT_EQ(TAPKEEP_ROLE_STALE, keep_role(self->owner));
	EXPECT_EQ(TAPKEEP_ROLE_STALE, keep_role(offer));
}

TEST_F(states, an_offer_can_be_claimed_once)
{
	int offer;

	ASSERT_EQ(0, keep_freeze(self->owner));
	offer = keep_offer(self->owner);
	ASSERT_LE(0, offer);
	ASSERT_LE(0, keep_claim_offer(offer));
	EXPECT_EQ(-ESTALE, keep_claim_offer(offer));
}

TEST_F(states, a_claim_voids_the_other_offers)
{
	int first, second;

	ASSERT_EQ(0, keep_freeze(self->owner));
	first = keep_offer(self->owner);
	second = keep_offer(self->owner);
	ASSERT_LE(0, keep_claim_offer(second));
	EXPECT_EQ(-ESTALE, keep_claim_offer(first));
}

TEST_F(states, revoke_voids_an_offer)
{
	int offer;

	ASSERT_EQ(0, keep_freeze(self->owner));
	offer = keep_offer(self->owner);
	ASSERT_EQ(0, keep_revoke(self->owner));
	EXPECT_EQ(-ESTALE, keep_claim_offer(offer));
	EXPECT_EQ(TAPKEEP_ROLE_STALE, keep_role(offer));
	EXPECT_EQ(TAPKEEP_ROLE_OWNER, keep_role(self->owner));
}

TEST_F(states, thaw_voids_an_offer_for_the_next_freeze_as_well)
{
	int offer;

	ASSERT_EQ(0, keep_freeze(self->owner));
	offer = keep_offer(self->owner);
	ASSERT_EQ(0, keep_thaw(self->owner));
	EXPECT_EQ(-ESTALE, keep_claim_offer(offer));
	ASSERT_EQ(0, keep_freeze(self->owner));
	EXPECT_EQ(-ESTALE, keep_claim_offer(offer));
}

TEST_F(states, an_offer_after_a_revoke_is_good)
{
	ASSERT_EQ(0, keep_freeze(self->owner));
	ASSERT_EQ(0, keep_revoke(self->owner));
	EXPECT_LE(0, keep_claim_offer(keep_offer(self->owner)));
}

TEST_F(states, a_former_owner_is_told_that_it_is_stale)
{
	int offer;

	ASSERT_EQ(0, keep_freeze(self->owner));
	offer = keep_offer(self->owner);
	ASSERT_LE(0, keep_claim_offer(offer));
	EXPECT_EQ(-ESTALE, keep_freeze(self->owner));
	EXPECT_EQ(-ESTALE, keep_thaw(self->owner));
	EXPECT_EQ(-ESTALE, keep_revoke(self->owner));
	EXPECT_EQ(-ESTALE, keep_release(self->owner));
	EXPECT_EQ(-ESTALE, keep_offer(self->owner));
	EXPECT_EQ(-ESTALE, keep_get_queue(self->owner, 0));
	EXPECT_EQ(-ESTALE, keep_pin(self->owner, self->nic.queue));
}

TEST_F(states, the_close_of_a_stale_handle_does_nothing)
{
	int claimer;

	ASSERT_EQ(0, keep_freeze(self->owner));
	claimer = keep_claim_offer(keep_offer(self->owner));
	ASSERT_LE(0, claimer);
	close(self->owner);
	EXPECT_EQ(TAPKEEP_FROZEN, keep_state(claimer));
	self->owner = claimer;
}

TEST_F(states, claim_by_name_of_an_active_keep_is_refused)
{
	EXPECT_EQ(-EBUSY, keep_claim("nic", 0));
}

TEST_F(states, claim_by_name_of_a_frozen_keep_is_refused)
{
	ASSERT_EQ(0, keep_freeze(self->owner));
	EXPECT_EQ(-EBUSY, keep_claim("nic", 0));
}

TEST_F(states, a_forced_claim_freezes_an_active_keep)
{
	int claimer = keep_claim("nic", TAPKEEP_CLAIM_FORCE);

	ASSERT_LE(0, claimer);
	EXPECT_EQ(TAPKEEP_FROZEN, keep_state(claimer));
	EXPECT_EQ(2, keep_generation(claimer));
	EXPECT_EQ(-ESTALE, keep_thaw(self->owner));
}

TEST_F(states, a_forced_claim_of_a_frozen_keep_voids_its_offers)
{
	int offer, claimer;

	ASSERT_EQ(0, keep_freeze(self->owner));
	offer = keep_offer(self->owner);
	claimer = keep_claim("nic", TAPKEEP_CLAIM_FORCE);
	ASSERT_LE(0, claimer);
	EXPECT_EQ(TAPKEEP_FROZEN, keep_state(claimer));
	EXPECT_EQ(-ESTALE, keep_claim_offer(offer));
}

TEST_F(states, the_close_of_the_owners_handle_makes_an_orphan)
{
	close(self->owner);
	EXPECT_EQ(TAPKEEP_ORPHAN, named_state("nic"));
}

TEST_F(states, the_close_of_a_frozen_owners_handle_makes_an_orphan)
{
	ASSERT_EQ(0, keep_freeze(self->owner));
	close(self->owner);
	EXPECT_EQ(TAPKEEP_ORPHAN, named_state("nic"));
}

TEST_F(states, a_duplicate_of_the_owners_handle_keeps_it_open)
{
	int copy = dup(self->owner);

	close(self->owner);
	EXPECT_EQ(TAPKEEP_ACTIVE, keep_state(copy));
	self->owner = copy;
}

TEST_F(states, an_offer_can_be_claimed_from_an_orphan)
{
	int offer, claimer;

	ASSERT_EQ(0, keep_freeze(self->owner));
	offer = keep_offer(self->owner);
	close(self->owner);
	claimer = keep_claim_offer(offer);
	ASSERT_LE(0, claimer);
	EXPECT_EQ(TAPKEEP_FROZEN, keep_state(claimer));
	EXPECT_EQ(2, keep_generation(claimer));
}

TEST_F(states, claim_by_name_of_an_orphan_makes_it_frozen)
{
	int claimer;

	close(self->owner);
	claimer = keep_claim("nic", 0);
	ASSERT_LE(0, claimer);
	EXPECT_EQ(TAPKEEP_FROZEN, keep_state(claimer));
	EXPECT_EQ(2, keep_generation(claimer));
	EXPECT_LE(0, keep_get_queue(claimer, 0));
}

TEST_F(states, release_ends_an_active_keep)
{
	EXPECT_EQ(0, keep_release(self->owner));
	EXPECT_EQ(-ENODEV, keep_state(self->owner));
	EXPECT_EQ(-ENOENT, named_state("nic"));
}

TEST_F(states, release_ends_a_frozen_keep)
{
	int offer;

	ASSERT_EQ(0, keep_freeze(self->owner));
	offer = keep_offer(self->owner);
	EXPECT_EQ(0, keep_release(self->owner));
	EXPECT_EQ(-ENOENT, named_state("nic"));
	EXPECT_EQ(-ENODEV, keep_claim_offer(offer));
}

TEST_F(states, what_is_done_on_a_keep_that_ended_says_so)
{
	int observer = keep_observe("nic");

	ASSERT_EQ(0, keep_release(self->owner));
	EXPECT_EQ(-ENODEV, keep_freeze(self->owner));
	EXPECT_EQ(-ENODEV, keep_thaw(self->owner));
	EXPECT_EQ(-ENODEV, keep_revoke(self->owner));
	EXPECT_EQ(-ENODEV, keep_release(self->owner));
	EXPECT_EQ(-ENODEV, keep_offer(self->owner));
	EXPECT_EQ(-ENODEV, keep_get_queue(self->owner, 0));
	EXPECT_EQ(-ENODEV, keep_pin(self->owner, self->nic.queue));
	EXPECT_EQ(-ENODEV, keep_state(observer));
}

TEST_F(states, a_released_name_and_its_queues_are_free_again)
{
	int again;

	ASSERT_EQ(0, keep_release(self->owner));
	again = keep_create("nic");
	ASSERT_LE(0, again);
	EXPECT_EQ(1, keep_generation(again));
	EXPECT_EQ(0, keep_pin(again, self->nic.queue));
}

TEST_F(states, a_keep_without_a_queue_ends_with_its_owners_handle)
{
	int empty = keep_create("empty");

	ASSERT_LE(0, empty);
	close(empty);
	EXPECT_EQ(-ENOENT, named_state("empty"));
}

TEST_F(states, an_observer_keeps_nothing_alive)
{
	int empty = keep_create("empty");
	int observer = keep_observe("empty");

	ASSERT_LE(0, observer);
	EXPECT_EQ(TAPKEEP_ROLE_OBSERVER, keep_role(observer));
	close(empty);
	EXPECT_EQ(-ENODEV, keep_state(observer));
}

TEST_F(states, a_pin_is_refused_while_frozen)
{
	int queue = tap_open("tap1");

	ASSERT_LE(0, queue);
	ASSERT_EQ(0, keep_freeze(self->owner));
	EXPECT_EQ(-EBUSY, keep_pin(self->owner, queue));
}

TEST_F(states, twenty_claims_make_twenty_generations)
{
	int i, next;

	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, keep_freeze(self->owner));
		next = keep_claim_offer(keep_offer(self->owner));
		ASSERT_LE(0, next);
		close(self->owner);
		self->owner = next;
		ASSERT_EQ(0, keep_thaw(self->owner));
	}
	EXPECT_EQ(21, keep_generation(self->owner));
	EXPECT_EQ(TAPKEEP_ACTIVE, keep_state(self->owner));
}

TEST_HARNESS_MAIN
