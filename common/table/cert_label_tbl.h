/*
 * cert_label_tbl: what the metrics say of a certificate, in their order: CERT_LABEL(ID, "label").
 *
 * The names and contents are those of ingress-nginx (facts: metrics §D); the host and the class,
 * which are not the certificate's, stand beside them. `identifier` is the issuer's serialNumber
 * attribute, which few issuers have, a hyphen, and the certificate's serial number.
 * Included more than once; no guard.
 */
CERT_LABEL(NAMESPACE, "namespace")
CERT_LABEL(SECRET_NAME, "secret_name")
CERT_LABEL(IDENTIFIER, "identifier")
CERT_LABEL(ISSUER_ORGANIZATION, "issuer_organization")
CERT_LABEL(ISSUER_COMMON_NAME, "issuer_common_name")
CERT_LABEL(SERIAL_NUMBER, "serial_number")
CERT_LABEL(PUBLIC_KEY_ALGORITHM, "public_key_algorithm")
