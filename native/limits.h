/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every limit of the daemon, with the reason for its value. What reaches one is answered with an
 * error or closed; nothing grows beyond them. docs/cli.md tells users.
 */
#ifndef RV_NATIVE_LIMITS_H
#define RV_NATIVE_LIMITS_H

#include "face/face.h"

/* --- connections --- */
#define RV_EDGES_DEFAULT      128u   /* edges at once, a session each, when nobody says more */
#define RV_EDGES_MAX          16384u /* that can be asked for: 2 GiB of addresses for buffers */
#define RV_CONNECTIONS_BESIDE 384u   /* HTTP and feeds, beside the edges; buffers as below */
#define RV_CONNECTIONS_MIN    16u    /* where a process may open hardly any files */
#define RV_EXCHANGES_MAX      512u   /* requests under way, feeds included */
#define RV_FILES_BESIDE       128u   /* open files that are no connections: logs, indexes */
#define RV_BACKLOG            512    /* connections that wait for accept */

/* --- buffers; pages that are never used are never touched --- */
#define RV_INPUT_LEN 16384u /* of a connection: what was received and not parsed */
#define RV_HEAD_LEN_MAX                                                                            \
    16384u /* bytes of a request's or response's head, as most servers have it */
#define RV_REQUEST_LEN   (RV_HEAD_LEN_MAX + 16384u) /* head, and body when it is small */
#define RV_OUTPUT_LEN    65536u /* of a connection: what the socket did not take at once */
#define RV_PIECE_LEN_MAX (RV_OUTPUT_LEN - 2048u) /* of an answer, beside head and chunk marks */
#define RV_LARGE_COUNT                                                                             \
    8u /* bodies on their way in that do not fit their connection's own buffer                     \
        */

/* --- TLS --- */
#define RV_TLS_RECORD_MAX  4096u  /* plain bytes of a record sent: few pages are touched by it */
#define RV_TLS_RECORD_COST 64u    /* more than a record is longer than its plain bytes */
#define RV_TLS_PLAIN_LEN   16384u /* what is read at a time, and the most that a record may hold */
#define RV_TLS_SEALED_LEN                                                                          \
    (RV_OUTPUT_LEN + 4096u)  /* of what is sent: RV_OUTPUT_LEN as records; a handshake's answer */
#define RV_TLS_LOOK_MS 5000u /* how often it is looked whether there is another certificate */

/* --- time, milliseconds --- */
#define RV_HEAD_TIMEOUT_MS 10000u /* a head that takes longer is a 408; a TLS handshake, closed */
#define RV_BODY_TIMEOUT_MS 60000u /* 4 MiB at 70 KB/s */
#define RV_IDLE_TIMEOUT_MS                                                                         \
    75000u /* of a kept-alive connection: longer than proxies keep theirs                          \
            */
#define RV_WRITE_TIMEOUT_MS   30000u /* without the peer taking a byte */
#define RV_PING_AFTER_MS      20000u /* of silence on a WebSocket */
#define RV_PEER_TIMEOUT_MS    60000u /* of silence on a WebSocket: it is gone */
#define RV_CONNECT_TIMEOUT_MS 10000u /* resolve, connect and handshake with an upstream */
#define RV_STOP_TIMEOUT_MS    10000u /* what is under way when the daemon is told to stop */
#define RV_TICK_MS            500u   /* how often time-outs are looked at */

/* --- ticks --- */
#define RV_REST_TICKS       2u   /* without an event: then unused memory is given back, */
#define RV_REST_AGAIN_TICKS 122u /* and again a minute later */

RV_STATIC_ASSERT(RV_CONNECTIONS_BESIDE + RV_EDGES_DEFAULT <= RV_EXCHANGES_MAX,
                 "a node that serves few edges answers on all its connections at once");
RV_STATIC_ASSERT(RV_OUTPUT_LEN / RV_TLS_RECORD_MAX * RV_TLS_RECORD_COST + RV_TLS_RECORD_COST * 8 <=
                     RV_TLS_SEALED_LEN - RV_OUTPUT_LEN,
                 "what is sent at a time fits as records, in up to 8 parts");
RV_STATIC_ASSERT(RV_TLS_PLAIN_LEN <= RV_INPUT_LEN, "what was read and has no room yet is kept");
RV_STATIC_ASSERT(RV_TICK_MS * 2 < RV_HEAD_TIMEOUT_MS, "time-outs are looked at often enough");

#endif
