/*
 * annot_tbl: every annotation of ingress-nginx v1.15.1, once. Code, validation, Events,
 * documentation and `silex explain` are made from it.
 *
 *     ANNOT(id, name, type, scale, min, max, default, risk, scope, field, text)
 *         works; field is a member of struct annots; a number is stored times scale; bounds and
 *         default as the user writes them
 *     ANNOT_LATER(name, type, risk, scope, text)   known, not supported yet: a warning
 *     ANNOT_ALIAS(name, canonical)                 another name of a row above
 */
/* clang-format off */
ANNOT(PROXY_BODY_SIZE,       "proxy-body-size",       SIZE, 1,    0, INT64_MAX, "1m", MEDIUM, LOCATION, policy.body_max_bytes, "largest request body, 0 = no limit; larger ones are answered 413")
ANNOT(PROXY_CONNECT_TIMEOUT, "proxy-connect-timeout", INT,  1000, 0, 4000000,   "5",  LOW,    LOCATION, policy.connect_ms,     "seconds to wait for a connection to an endpoint")
ANNOT(PROXY_SEND_TIMEOUT,    "proxy-send-timeout",    INT,  1000, 0, 4000000,   "60", LOW,    LOCATION, policy.send_ms,        "seconds between two writes to an endpoint")
ANNOT(PROXY_READ_TIMEOUT,    "proxy-read-timeout",    INT,  1000, 0, 4000000,   "60", LOW,    LOCATION, policy.read_ms,        "seconds between two reads from an endpoint, then 504; the idle limit of WebSockets")
/* clang-format on */
#undef ANNOT
#undef ANNOT_LATER
#undef ANNOT_ALIAS
