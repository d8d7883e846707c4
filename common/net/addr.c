/* addr: see addr.h. Unused bytes are always zero, so that an address compares as 20 bytes. */
#include "common/net/addr.h"

#include <arpa/inet.h>
#include <string.h>

static void set4(struct addr *a, const void *ip, uint16_t port)
{
	*a = (struct addr){.family = 4, .port = port};
	memcpy(a->ip, ip, 4);
}

static void set6(struct addr *a, const void *ip, uint16_t port)
{
	*a = (struct addr){.family = 6, .port = port};
	memcpy(a->ip, ip, 16);
}

bool addr_parse(struct str ip, uint16_t port, struct addr *out)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char bin[16];

	if (ip.n == 0 || ip.n >= sizeof(text) || memchr(ip.p, '\0', ip.n) != NULL)
		return false;
	memcpy(text, ip.p, ip.n);
	text[ip.n] = '\0';
	if (inet_pton(AF_INET, text, bin) == 1)
		set4(out, bin, port);
	else if (inet_pton(AF_INET6, text, bin) == 1)
		set6(out, bin, port);
	else
		return false;
	return true;
}

void addr_from_sockaddr(const struct sockaddr *sa, struct addr *out)
{
	const struct sockaddr_in *in4 = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;

	*out = (struct addr){0};
	if (sa->sa_family == AF_INET)
		set4(out, &in4->sin_addr, ntohs(in4->sin_port));
	else if (sa->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		set4(out, in6->sin6_addr.s6_addr + 12, ntohs(in6->sin6_port));
	else if (sa->sa_family == AF_INET6)
		set6(out, &in6->sin6_addr, ntohs(in6->sin6_port));
}

socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *out)
{
	if (a->family == 4) {
		struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(a->port)};

		memcpy(&in4.sin_addr, a->ip, 4);
		memcpy(out, &in4, sizeof(in4));
		return sizeof(in4);
	}
	if (a->family == 6) {
		struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(a->port)};

		memcpy(&in6.sin6_addr, a->ip, 16);
		memcpy(out, &in6, sizeof(in6));
		return sizeof(in6);
	}
	return 0;
}

void addr_unmap(struct addr *a)
{
	struct in6_addr ip;

	if (a->family != 6)
		return;
	memcpy(&ip, a->ip, sizeof(ip));
	if (IN6_IS_ADDR_V4MAPPED(&ip))
		set4(a, ip.s6_addr + 12, a->port);
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* Decimal, by hand: an IPv4 text is made for every log line and forwarded field. */
static size_t put_u16(char *buf, unsigned v)
{
	char digits[5];
	size_t n = 0, len;

	do {
		digits[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	for (len = 0; len < n; len++)
		buf[len] = digits[n - 1 - len];
	return n;
}

size_t addr_ip_text(const struct addr *a, char *buf)
{
	size_t n = 0;

	if (a->family == 4) {
		for (int i = 0; i < 4; i++) {
			n += put_u16(buf + n, a->ip[i]);
			buf[n++] = '.';
		}
		buf[--n] = '\0';
		return n;
	}
	if (a->family == 6 && inet_ntop(AF_INET6, a->ip, buf, ADDR_TEXT_MAX) != NULL)
		return strlen(buf);
	buf[0] = '-';
	buf[1] = '\0';
	return 1;
}

size_t addr_text(const struct addr *a, char *buf)
{
	size_t n = 0;

	if (a->family == 6)
		buf[n++] = '[';
	n += addr_ip_text(a, buf + n);
	if (a->family == 6)
		buf[n++] = ']';
	buf[n++] = ':';
	n += put_u16(buf + n, a->port);
	buf[n] = '\0';
	return n;
}
