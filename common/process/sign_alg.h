/*
 * sign_alg: the signatures that TLS asks of a private key (RFC 8446 §4.2.3), as the worker names
 * them to the keys process. Numbers are the code points of the SignatureScheme registry.
 */
#ifndef SILEX_COMMON_PROCESS_SIGN_ALG_H
#define SILEX_COMMON_PROCESS_SIGN_ALG_H

enum sign_alg {
	SIGN_NONE = 0,
	SIGN_RSA_PKCS1_SHA256 = 0x0401,
	SIGN_RSA_PKCS1_SHA384 = 0x0501,
	SIGN_RSA_PKCS1_SHA512 = 0x0601,
	SIGN_ECDSA_SHA256 = 0x0403, /* with TLS 1.2 any curve may meet any of these digests */
	SIGN_ECDSA_SHA384 = 0x0503,
	SIGN_ECDSA_SHA512 = 0x0603,
	SIGN_RSA_PSS_SHA256 = 0x0804, /* salt as long as the digest */
	SIGN_RSA_PSS_SHA384 = 0x0805,
	SIGN_RSA_PSS_SHA512 = 0x0806,
	SIGN_ED25519 = 0x0807,
};

#define SIGN_KEY_ID_LEN 32 /* SHA-256 of the SubjectPublicKeyInfo */
/* A server, and everybody with TLS 1.3, signs below 512 bytes; a client of TLS 1.2 signs all that
 * was said so far, chains and the names of authorities included (RFC 5246 §7.4.8). */
#define SIGN_TBS_MAX 65536
#define SIGN_SIG_MAX 1024 /* RSA-8192 */

#endif
