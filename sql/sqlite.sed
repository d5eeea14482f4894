# What is changed in SQLite's amalgamation before it is compiled; sql/sqlite.c says why. Each change
# names RV_WAIT, RV_WORK, rv_merge or rv_search, and the build counts them.

# A virtual table whose next row has to wait answers SQLITE_BUSY: the machine stops before the
# instruction, and begins with it again.
/^case OP_VFilter: /,/^}/s/^  if( rc ) goto abort_due_to_error;/  RV_WAIT(0)\n&/
/^case OP_VNext: /,/^}/s/^  if( rc ) goto abort_due_to_error;/  RV_WAIT(0)\n&/

# The progress handler answers SQLITE_BUSY when others are to have their turn: the machine stops behind
# the instruction. Where it stops anyway the handler may only end the query.
/^check_for_interrupt:/,/^  break;/s/^    if( db->xProgress(db->pProgressArg) ){/    rc = RV_WORK(db);\n    RV_WAIT(1)\n    if( rc ){/
/^vdbe_return:/,/^  return rc;/s/^    if( db->xProgress(db->pProgressArg) ){/    if( RV_WORK(db)==SQLITE_INTERRUPT ){/

# What takes long is counted, and may stop: sql/work.h.
/^struct VdbeSorter {/a\  struct rv_merge *merge;
/^SQLITE_PRIVATE void sqlite3VdbeSorterReset(.*{$/i\#include "sql/work.h"
/^SQLITE_PRIVATE void sqlite3VdbeSorterReset(.*{$/,/^}/s/^  int i;/&\n  rv_merge_leave(pSorter);/
s/^\( *rc = \)vdbeSorterSort(/\1rv_merge_sort(/
/^case OP_Rewind: /,/^}/s/^  if( rc ) goto abort_due_to_error;/  RV_WAIT(0)\n&/
/^static void instrFunc(/,/^}/s/^  typeHaystack = /  if( !rv_search(context, argv) ) return;\n&/
/^static void replaceFunc(/,/^}/s/^  zStr = /  if( !rv_search(context, argv) ) return;\n&/
/^static void trimFunc(/,/^}/s/^  zIn = /  if( argc>1 \&\& !rv_search(context, argv) ) return;\n&/
/^static void likeFunc(/,/^}/s/^  nPat = /  if( !rv_search(context, argv) ) return;\n&/
