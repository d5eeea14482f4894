/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: of what the kernel tells, new addresses that can be used and new routes to others mean that
 * the network has come up, nothing else does, and what is cut off anywhere is harmless; that is
 * taken once, and not more often than once a second. Method: messages as rtnetlink(7) has them,
 * each alone, behind another, and truncated at every byte. A socket that the kernel really writes
 * to has tests/e2e/network.test.mjs.
 */
#include "native/network.h"
#include "tests/unit/test.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>

typedef struct told {
    uint16_t type;
    uint32_t flags; /* of the address, or the route */
    uint8_t route;  /* its type */
    bool up;
} told;

static const told cases[] = {
    {RTM_NEWADDR, IFA_F_PERMANENT, 0, true},
    {RTM_NEWADDR, 0, 0, true},
    {RTM_NEWADDR, IFA_F_TENTATIVE, 0, false},
    {RTM_DELADDR, IFA_F_PERMANENT, 0, false},
    {RTM_NEWROUTE, 0, RTN_UNICAST, true},
    {RTM_NEWROUTE, RTM_F_CLONED, RTN_UNICAST, false},
    {RTM_NEWROUTE, 0, RTN_LOCAL, false},
    {RTM_NEWROUTE, 0, RTN_UNREACHABLE, false},
    {RTM_DELROUTE, 0, RTN_UNICAST, false},
    {RTM_NEWLINK, 0, 0, false},
    {NLMSG_DONE, 0, 0, false},
};

/* Writes it, with an attribute whose length is no multiple of four. Returns how long it is. */
static size_t write_told(const told *t, uint8_t *to) {
    const bool address = t->type == RTM_NEWADDR || t->type == RTM_DELADDR;
    const struct ifaddrmsg a = {.ifa_family = 2, .ifa_flags = (uint8_t)t->flags};
    const struct rtmsg r = {.rtm_family = 2, .rtm_type = t->route, .rtm_flags = t->flags};
    const size_t body = address ? sizeof a : sizeof r;
    const struct nlmsghdr head = {.nlmsg_len = (uint32_t)(sizeof head + body + 5),
                                  .nlmsg_type = t->type};
    memset(to, 0xff, 64);
    memcpy(to, &head, sizeof head);
    memcpy(to + sizeof head, address ? (const void *)&a : (const void *)&r, body);
    return head.nlmsg_len;
}

RV_TEST(what_the_kernel_tells) {
    _Alignas(8) uint8_t bytes[128];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const size_t len = write_told(&cases[i], bytes);
        RV_CHECK_EQ(rv_network_came_up(rv_bytes_of(bytes, len)), cases[i].up);
        for (size_t cut = 0; cut < len; cut++) {
            uint8_t *const exact = malloc(cut + 1); /* where reading too far is found */
            memcpy(exact, bytes, cut);
            RV_CHECK(!rv_network_came_up(rv_bytes_of(exact, cut)));
            free(exact);
        }
        for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) { /* one behind another */
            const size_t first = NLMSG_ALIGN(write_told(&cases[i], bytes));
            const size_t both = first + write_told(&cases[k], bytes + first);
            RV_CHECK_EQ(rv_network_came_up(rv_bytes_of(bytes, both)), cases[i].up || cases[k].up);
        }
    }
}

RV_TEST(lengths_that_are_none) {
    _Alignas(8) uint8_t bytes[128];
    static const uint32_t lengths[] = {0, 1, 15, 65, 0x7fffffff, 0xfffffffc, 0xffffffff};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        (void)write_told(&cases[0], bytes);
        memcpy(bytes, &lengths[i], sizeof lengths[i]);
        RV_CHECK(!rv_network_came_up(rv_bytes_of(bytes, 64)));
    }
    const uint32_t short_ = sizeof(struct nlmsghdr) + sizeof(struct ifaddrmsg) - 1;
    (void)write_told(&cases[0], bytes);
    memcpy(bytes, &short_, sizeof short_);
    RV_CHECK(!rv_network_came_up(rv_bytes_of(bytes, short_)));
}

RV_TEST(it_is_taken_once_a_second) {
    rv_network n = {.up = false};
    RV_CHECK(!rv_network_take(&n, 5));
    n.up = true;
    RV_CHECK(rv_network_take(&n, 5));
    RV_CHECK(!rv_network_take(&n, 5 + RV_NETWORK_AGAIN_US));
    n.up = true;
    RV_CHECK(rv_network_take(&n, 6 + RV_NETWORK_AGAIN_US));
    n.up = true;
    RV_CHECK(!rv_network_take(&n, 5 + 2 * RV_NETWORK_AGAIN_US));
    RV_CHECK(rv_network_take(&n, 6 + 2 * RV_NETWORK_AGAIN_US)); /* it was kept */
}

RV_TEST(it_is_listened_to_and_closed) {
    uv_loop_t loop;
    rv_network n = {.open = false};
    rv_network_close(&n);
    RV_CHECK_EQ(uv_loop_init(&loop), 0);
    const int failed = rv_network_open(&n, &loop);
    RV_CHECK(failed == 0 || !n.open); /* a sandbox may have no such sockets */
    if (failed == 0) {
        uv_close((uv_handle_t *)&n.poll, NULL);
    }
    RV_CHECK_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
    rv_network_close(&n);
    RV_CHECK(!n.open);
    RV_CHECK_EQ(uv_loop_close(&loop), 0);
}

int main(void) {
    RV_RUN(what_the_kernel_tells);
    RV_RUN(lengths_that_are_none);
    RV_RUN(it_is_taken_once_a_second);
    RV_RUN(it_is_listened_to_and_closed);
    return rv_test_done();
}
