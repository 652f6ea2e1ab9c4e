// SPDX-License-Identifier: GPL-2.0-only

/**
 * DOC: Table
 *
 * Each network namespace has a table of its keeps. A keep is in it from its
 * creation to its end, by name, and by a number that grows from keep to keep,
 * so that a dump that was interrupted goes on after the last number it showed
 * whatever came and went meanwhile. The table has a reference on the keep.
 *
 * A keep has no reference on its namespace. The end of the namespace ends its
 * keeps. A pinned queue has one, through its socket: an orphan whose queues
 * were opened in its namespace keeps that alive until its lease runs out.
 */

#include "table.h"

#include <linux/hashtable.h>
#include <linux/idr.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <linux/stringhash.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "keep.h"
#include "limit.h"

/**
 * struct tapkeep_table - the keeps of one network namespace
 * @lock: guards the rest
 * @seq: grows with whatever comes or goes; never 0
 * @keeps: by number
 * @names: by name
 */
struct tapkeep_table {
	struct mutex lock; /* see above */
	unsigned int seq;
	struct idr keeps;
	DECLARE_HASHTABLE(names, 6);
};

static unsigned int table_net_id;

static u32 name_hash(const char *name)
{
	return full_name_hash(NULL, name, strlen(name));
}

static struct tapkeep *find_locked(struct tapkeep_table *table, const char *name)
{
	struct tapkeep *keep;

	hash_for_each_possible(table->names, keep, name_node, name_hash(name))
		if (!strcmp(keep->name, name))
			return keep;
	return NULL;
}

static void count_change(struct tapkeep_table *table)
{
	WRITE_ONCE(table->seq, table->seq + 1 ?: 1);
}

static int add_locked(struct tapkeep_table *table, struct tapkeep *keep)
{
	int id;

	if (find_locked(table, keep->name))
		return -EEXIST;
	id = idr_alloc_cyclic(&table->keeps, keep, 1, 0, GFP_KERNEL_ACCOUNT);
	if (id < 0)
		return id;
	keep->id = id;
	count_change(table);
	hash_add(table->names, &keep->name_node, name_hash(keep->name));
	tapkeep_get(keep);
	return 0;
}

/* Return: 0; EEXIST the name is taken; EDQUOT, ENOSPC as the limits say; ENOMEM. */
int tapkeep_table_add(struct tapkeep *keep)
{
	struct tapkeep_table *table = net_generic(keep->net, table_net_id);
	int err;

	err = tapkeep_limit_add_keep(keep->net, keep->uid);
	if (err)
		return err;
	mutex_lock(&table->lock);
	err = add_locked(table, keep);
	mutex_unlock(&table->lock);
	if (err)
		tapkeep_limit_del_keep(keep->net, keep->uid);
	return err;
}

/*
 * The caller puts the table's reference when it has no more locks. The end of
 * the namespace waits for who is in here.
 */
void tapkeep_table_del(struct tapkeep *keep)
{
	struct tapkeep_table *table = net_generic(keep->net, table_net_id);

	mutex_lock(&table->lock);
	count_change(table);
	idr_remove(&table->keeps, keep->id);
	hash_del(&keep->name_node);
	mutex_unlock(&table->lock);
	tapkeep_limit_del_keep(keep->net, keep->uid);
}

/* Return: the keep with a reference, or NULL. */
struct tapkeep *tapkeep_table_find(struct net *net, const char *name)
{
	struct tapkeep_table *table = net_generic(net, table_net_id);
	struct tapkeep *keep;

	mutex_lock(&table->lock);
	keep = find_locked(table, name);
	if (keep)
		tapkeep_get(keep);
	mutex_unlock(&table->lock);
	return keep;
}

/*
 * Return: the keep with the lowest number from *id upwards, with a reference,
 * its number in *id; or NULL.
 */
struct tapkeep *tapkeep_table_next(struct net *net, int *id)
{
	struct tapkeep_table *table = net_generic(net, table_net_id);
	struct tapkeep *keep;

	mutex_lock(&table->lock);
	keep = idr_get_next(&table->keeps, id);
	if (keep)
		tapkeep_get(keep);
	mutex_unlock(&table->lock);
	return keep;
}

/* Return: a number that is another one after a keep has come or gone. */
unsigned int tapkeep_table_seq(struct net *net)
{
	struct tapkeep_table *table = net_generic(net, table_net_id);

	return READ_ONCE(table->seq);
}

static int __net_init table_net_init(struct net *net)
{
	struct tapkeep_table *table = net_generic(net, table_net_id);

	mutex_init(&table->lock);
	table->seq = 1;
	idr_init(&table->keeps);
	hash_init(table->names);
	return 0;
}

/* Nobody is in the namespace any more, so nothing is added meanwhile. */
static void __net_exit table_net_exit(struct net *net)
{
	struct tapkeep_table *table = net_generic(net, table_net_id);
	struct tapkeep *keep;
	int id;

	for (id = 0; (keep = tapkeep_table_next(net, &id)); id++) {
		tapkeep_end_with_net(keep);
		tapkeep_put(keep);
	}
	idr_destroy(&table->keeps);
	mutex_destroy(&table->lock);
}

static struct pernet_operations table_net_ops = {
	.init = table_net_init,
	.exit = table_net_exit,
	.id = &table_net_id,
	.size = sizeof(struct tapkeep_table),
};

int __init tapkeep_table_init(void)
{
	return register_pernet_subsys(&table_net_ops);
}

void tapkeep_table_exit(void)
{
	unregister_pernet_subsys(&table_net_ops);
}
