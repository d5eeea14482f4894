# What is changed in SQLite's amalgamation before it is compiled; sql/sqlite.c says why. Each change
# names RV_WAIT or RV_WORK, and the build counts them.

# A virtual table whose next row has to wait answers SQLITE_BUSY: the machine stops before the
# instruction, and begins with it again.
/^case OP_VFilter: /,/^}/s/^  if( rc ) goto abort_due_to_error;/  RV_WAIT(0)\n&/
/^case OP_VNext: /,/^}/s/^  if( rc ) goto abort_due_to_error;/  RV_WAIT(0)\n&/

# The progress handler answers SQLITE_BUSY when others are to have their turn: the machine stops behind
# the instruction. Where it stops anyway the handler may only end the query.
/^check_for_interrupt:/,/^  break;/s/^    if( db->xProgress(db->pProgressArg) ){/    rc = RV_WORK(db);\n    RV_WAIT(1)\n    if( rc ){/
/^vdbe_return:/,/^  return rc;/s/^    if( db->xProgress(db->pProgressArg) ){/    if( RV_WORK(db)==SQLITE_INTERRUPT ){/
