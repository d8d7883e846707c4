/* to_table: the route table as the translation's sink; the writer is its argument. */
#include "master/table/table_write.h"
#include "master/translate/translate.h"

static int to_put_host(void *w, const struct model_host *h)
{
	return table_put_host(w, h);
}

static int to_del_host(void *w, struct str name)
{
	return table_del_host(w, name);
}

static int to_put_cluster(void *w, const struct model_cluster *c)
{
	return table_put_cluster(w, c);
}

static int to_del_cluster(void *w, uint64_t id)
{
	return table_del_cluster(w, id);
}

static int to_put_default(void *w, uint64_t cluster, const struct policy *policy)
{
	return table_put_default(w, cluster, policy);
}

static int to_put_maps(void *w, const struct policy *maps)
{
	return table_put_maps(w, maps);
}

static int to_put_stream(void *w, const struct model_stream *m)
{
	return table_put_stream(w, m);
}

static int to_del_stream(void *w, enum transport transport, uint16_t port)
{
	return table_del_stream(w, transport, port);
}

static int to_put_passthrough(void *w, struct str name, uint64_t cluster)
{
	return table_put_passthrough(w, name, cluster);
}

static int to_del_passthrough(void *w, struct str name)
{
	return table_del_passthrough(w, name);
}

static int to_put_cert(void *w, const struct model_cert *c)
{
	return table_put_cert(w, c);
}

static int to_del_cert(void *w, struct str name)
{
	return table_del_cert(w, name);
}

static int to_put_profile(void *w, const struct model_profile *p)
{
	return table_put_profile(w, p);
}

static int to_del_profile(void *w, uint64_t id)
{
	return table_del_profile(w, id);
}

struct translate_sink translate_to_table(struct table_writer *w)
{
	return (struct translate_sink){.put_host = to_put_host,
				       .del_host = to_del_host,
				       .put_cluster = to_put_cluster,
				       .del_cluster = to_del_cluster,
				       .put_default = to_put_default,
				       .put_maps = to_put_maps,
				       .put_stream = to_put_stream,
				       .del_stream = to_del_stream,
				       .put_passthrough = to_put_passthrough,
				       .del_passthrough = to_del_passthrough,
				       .put_cert = to_put_cert,
				       .del_cert = to_del_cert,
				       .put_profile = to_put_profile,
				       .del_profile = to_del_profile,
				       .arg = w};
}
