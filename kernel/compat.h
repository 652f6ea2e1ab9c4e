/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kernels older than the newest lack. Kbuild looks into their headers for
 * the functions, and says LACKS_ of those that are not there.
 */
#ifndef TAPKEEP_COMPAT_H
#define TAPKEEP_COMPAT_H

#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/printk.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>

/* Before 6.2. No feature of an interface says whether tap.ko knows them. */
#ifdef TUN_F_USO4
#define TAP_USO		(TUN_F_USO4 | TUN_F_USO6)
#else
#define TAP_USO		0
#define TUN_F_USO4	0x20
#define TUN_F_USO6	0x40
#endif

/* Before 6.17 */
#ifndef TUN_F_UDP_TUNNEL_GSO
#define TUN_F_UDP_TUNNEL_GSO		0x080
#define TUN_F_UDP_TUNNEL_GSO_CSUM	0x100
#endif

/* Before 6.6: another structure, with the attributes as well. */
#ifdef LACKS_genl_info_dump
#define genl_info_dump(cb)	genl_dumpit_info(cb)
#endif

/* Before 6.6: a table ends with an empty entry. */
#ifdef LACKS_register_net_sysctl_sz
static inline struct ctl_table_header *
register_net_sysctl_sz(struct net *net, const char *path,
		       struct ctl_table *table, size_t nr)
{
	return register_net_sysctl(net, path, table);
}
#endif

/* Before 6.2: an ack has no room for values. */
#ifndef NL_SET_ERR_MSG_FMT
#define NL_SET_ERR_MSG_FMT(extack, fmt, args...) do {				\
	no_printk(fmt, ##args);							\
	NL_SET_ERR_MSG(extack, "That is not the generation that there is now");	\
} while (0)
#endif

/* Before 7.3: a full ring drops, and nothing is stopped. */
#ifdef LACKS_tun_wake_queue
static inline void tun_wake_queue(struct file *file, int consumed)
{
}
#endif

#endif /* TAPKEEP_COMPAT_H */
