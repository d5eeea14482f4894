/* SPDX-License-Identifier: Apache-2.0 */
#include "native/network.h"

#include "core/base/assert.h"

#ifdef __linux__
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TURN_MAX 64 /* datagrams that are read in one turn of the loop */

/* --- what the kernel tells --- */

static bool is_new_address(rv_bytes body) {
    struct ifaddrmsg address;
    if (body.len < sizeof address) {
        return false;
    }
    memcpy(&address, body.ptr, sizeof address);
    return (address.ifa_flags & IFA_F_TENTATIVE) ==
           0; /* it is told again when it is not any more */
}

static bool is_new_route(rv_bytes body) {
    struct rtmsg route;
    if (body.len < sizeof route) {
        return false;
    }
    memcpy(&route, body.ptr, sizeof route);
    return route.rtm_type == RTN_UNICAST && (route.rtm_flags & RTM_F_CLONED) == 0;
}

bool rv_network_came_up(rv_bytes messages) {
    bool up = false;
    struct nlmsghdr head;
    while (!up && messages.len >= sizeof head) { /* goes on by a message */
        memcpy(&head, messages.ptr, sizeof head);
        if (head.nlmsg_len < sizeof head || head.nlmsg_len > messages.len) {
            return false;
        }
        const rv_bytes body = rv_bytes_of(messages.ptr + sizeof head, head.nlmsg_len - sizeof head);
        up = (head.nlmsg_type == RTM_NEWADDR && is_new_address(body)) ||
             (head.nlmsg_type == RTM_NEWROUTE && is_new_route(body));
        const size_t aligned = NLMSG_ALIGN((size_t)head.nlmsg_len);
        messages = rv_bytes_from(messages, aligned < messages.len ? aligned : messages.len);
    }
    return up;
}

/* --- listening --- */

static void on_readable(uv_poll_t *poll, int failed, int events) {
    rv_network *const n = poll->data;
    uint8_t messages[8192];
    (void)events;
    RV_ASSERT(n->open);
    for (unsigned i = 0; i < TURN_MAX && failed == 0; i++) {
        const ssize_t len = recv(n->socket, messages, sizeof messages, MSG_DONTWAIT);
        if (len > 0) {
            n->up = n->up || rv_network_came_up(rv_bytes_of(messages, (size_t)len));
        } else if (len < 0 && errno == ENOBUFS) { /* some were lost: who knows */
            n->up = true;
        } else if (len == 0 || errno != EINTR) {
            failed = len < 0 && errno == EAGAIN ? 0 : UV_EIO;
            break;
        }
    }
    if (failed != 0) { /* it would be readable for ever */
        uv_poll_stop(poll);
    }
}

int rv_network_open(rv_network *n, uv_loop_t *loop) {
    const struct sockaddr_nl groups = {.nl_family = AF_NETLINK,
                                       .nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
                                                    RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE};
    RV_ASSERT(!n->open);
    *n = (rv_network){
        .socket = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE)};
    if (n->socket < 0) {
        return uv_translate_sys_error(errno);
    }
    int failed = 0;
    if (bind(n->socket, (const struct sockaddr *)&groups, sizeof groups) != 0) {
        failed = uv_translate_sys_error(errno);
    }
    failed = failed == 0 ? uv_poll_init(loop, &n->poll, n->socket) : failed;
    if (failed != 0) {
        close(n->socket);
        return failed;
    }
    n->open = true;
    n->poll.data = n;
    failed = uv_poll_start(&n->poll, UV_READABLE, on_readable);
    RV_ASSERT(failed == 0); /* it fails for handles that are being closed only */
    return 0;
}

void rv_network_close(rv_network *n) {
    if (n->open) {
        close(n->socket);
        n->open = false;
    }
}

#else

bool rv_network_came_up(rv_bytes messages) {
    (void)messages;
    return false;
}

int rv_network_open(rv_network *n, uv_loop_t *loop) {
    (void)loop;
    *n = (rv_network){.open = false};
    return UV_ENOTSUP;
}

void rv_network_close(rv_network *n) {
    RV_ASSERT(!n->open);
}

#endif

bool rv_network_take(rv_network *n, int64_t now) {
    RV_ASSERT(now > 0 && n->taken_at <= now);
    if (!n->up || (n->taken_at > 0 && now - n->taken_at < RV_NETWORK_AGAIN_US)) {
        return false;
    }
    n->up = false;
    n->taken_at = now;
    return true;
}
