/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TAPKEEP_TABLE_H
#define TAPKEEP_TABLE_H

struct net;
struct tapkeep;

int tapkeep_table_add(struct tapkeep *keep);
void tapkeep_table_del(struct tapkeep *keep);
struct tapkeep *tapkeep_table_find(struct net *net, const char *name);
struct tapkeep *tapkeep_table_next(struct net *net, int *id);
unsigned int tapkeep_table_seq(struct net *net);

int tapkeep_table_init(void);
void tapkeep_table_exit(void);

#endif /* TAPKEEP_TABLE_H */
