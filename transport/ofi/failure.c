#include "ofi/ofi.h"

#include <stdarg.h>
#include <stdio.h>

int
strads_ofi_refused(const struct strads_ofi *ofi, int status, const char *what, ssize_t code)
{
	return strads_fail(status, "cannot %s (libfabric provider %s): %s", what,
			   ofi->info->fabric_attr->prov_name, fi_strerror((int)-code));
}

int
strads_ofi_lost(const struct strads_ofi *ofi, int peer)
{
	const struct strads_ofi_peer *lost = &ofi->peers[peer];
	const char *name = ofi->info->fabric_attr->prov_name;

	if (lost->error == FI_ETIMEDOUT)
		return strads_fail(
		    STRADS_ERR_PEER,
		    "rank %d cannot be reached over %s: no connection within %.0f s; "
		    "look whether it runs, and whether a firewall stands between",
		    peer, name, (double)ofi->timeout_ns * 1e-9);
	return strads_fail(STRADS_ERR_PEER,
			   "rank %d is lost over %s: %s (%s); it has died, has closed its fabric, "
			   "or the network fails: see what it printed last",
			   peer, name, fi_strerror(lost->error),
			   fi_cq_strerror(ofi->cq, lost->provider_error, NULL, NULL, 0));
}

void
strads_ofi_peer_lose(struct strads_ofi *ofi, int peer, int error, int provider_error)
{
	struct strads_ofi_peer *lost = &ofi->peers[peer];
	struct strads_ofi_op *op;

	if (lost->error)
		return;
	lost->error = error;
	lost->provider_error = provider_error;
	op = lost->held;
	lost->held = NULL;
	if (op) {
		strads_ofi_op_fail(op, STRADS_ERR_PEER);
		strads_ofi_op_settle(ofi, op);
	}
	while (lost->bundle.first) {
		op = lost->bundle.first;
		lost->bundle.first = op->next;
		strads_ofi_op_fail(op, STRADS_ERR_PEER);
		strads_ofi_op_settle(ofi, op);
	}
	lost->bundle = (struct strads_ofi_bundle){.notes = 0};
	while (lost->untaken_first) {
		op = lost->untaken_first;
		lost->untaken_first = op->next;
		strads_ofi_op_fail(op, STRADS_ERR_PEER);
		strads_ofi_op_settle(ofi, op);
	}
}

void
strads_ofi_break(struct strads_ofi *ofi, int status, const char *format, ...)
{
	va_list args;

	if (ofi->status)
		return;
	ofi->status = status;
	va_start(args, format);
	vsnprintf(ofi->why, sizeof ofi->why, format, args);
	va_end(args);
}
