# What is changed in SQLite's amalgamation before it is compiled; sql/sqlite.c says why. Each change
# names RV_WAIT, RV_WORK, RV_ORDER, rv_merge, rv_register, rv_search, rv_order or rv_kind, and the build counts them.

# A virtual table whose next row has to wait answers SQLITE_BUSY: the machine stops before the
# instruction, and begins with it again.
/^case OP_VFilter: /,/^}/s/^  if( rc ) goto abort_due_to_error;/  RV_WAIT(0)\n&/
/^case OP_VNext: /,/^}/s/^  if( rc ) goto abort_due_to_error;/  RV_WAIT(0)\n&/

# The progress handler answers SQLITE_BUSY when others are to have their turn: the machine stops behind
# the instruction. Where it stops anyway the handler may only end the query.
/^check_for_interrupt:/,/^  break;/s/^    if( db->xProgress(db->pProgressArg) ){/    rc = RV_WORK(db);\n    RV_WAIT(1)\n    if( rc ){/
/^vdbe_return:/,/^  return rc;/s/^    if( db->xProgress(db->pProgressArg) ){/    if( RV_WORK(db)==SQLITE_INTERRUPT ){/

# A cell of an aggregate's row is put straight into the register: sql/registers.h.
/^case OP_VColumn: /,/^}/s/^  memset(&sContext, 0, /  if( pModule==\&rv_sql_table_module \&\& pOp->p5==0 \&\& rv_register_load(pDest, pCur->uc.pVCur, pOp->p2) ) break;\n&/

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

# What is made of columns compares as they do: sql/order.h.
/^SQLITE_PRIVATE CollSeq \*sqlite3ExprCollSeq(.*{$/,/^}/s/^  if( sqlite3CheckCollSeq/  if( pColl==0 \&\& p!=0 ) pColl = rv_order_of_expression(pParse, p);\n&/
/^SQLITE_PRIVATE CollSeq \*sqlite3BinaryCompareCollSeq($/,/^}/s/^    if( !pColl ){/    pColl = rv_order_of_two(pParse, pColl, pRight);\n&/
/^SQLITE_PRIVATE void sqlite3SubqueryColumnTypes($/,/^}/s/sqlite3ExprCollSeq(pParse, p)/rv_order_of_column(pParse, pSelect, i)/
/^static CollSeq \*multiSelectCollSeq(.*{$/,/^}/s/^  if( pRet==0 /  if( rv_order_weak(pParse, pRet) /
/^static Expr \*substExpr($/,/^}/s/^          if( pNat!=pColl /          if( rv_order_weak(pSubst->pParse, pColl) ) pColl = pNat;\n&/
/^SQLITE_PRIVATE int sqlite3MemCompare(.*{$/,/^}/s/^  if( combined_flags&(MEM_Int.*{$/&\n    if( rv_order_mixes(f1, f2, pColl) ) return rv_order_compare(pMem1, pMem2);/
/^SQLITE_PRIVATE int sqlite3VdbeRecordCompareWithSkip($/,/^}/s/^    u32 serial_type;/&\n    RV_ORDER_FIELD/
/^SQLITE_PRIVATE RecordCompare sqlite3VdbeFindCompare(.*{$/,/^}/s/^    if( (flags & MEM_Int) /    if( (flags \& MEM_Int) \&\& !rv_order_of_field(p->pKeyInfo, 0) /
/^static int codeCompare($/,/^}/s/^  p5 = binaryCompareP5(.*$/&\n  p5 = rv_order_affinity(p4, p5);/
/^static char \*exprINAffinity(/,/^}/s/^        zRet\[i\] = sqlite3CompareAffinity(\(.*\), a);/&\n        zRet[i] = rv_order_affinity(sqlite3BinaryCompareCollSeq(pParse, pA, \1), zRet[i]);/
/^static int codeAllEqualityTerms($/,/^}/s/^        if( sqlite3CompareAffinity(pRight, /        zAff[j] = rv_order_affinity(sqlite3ExprCompareCollSeq(pParse, pTerm->pExpr), zAff[j]);\n&/
/^SQLITE_PRIVATE CollSeq \*sqlite3ExprCompareCollSeq(.*{$/,/^}/s/^  if( ExprHas/  if( p->op==TK_IN \&\& rv_order_of_in(pParse, p)!=0 ) return rv_order_of_in(pParse, p);\n&/
s/^            pRight->iTable = iReg+j+2;/&\n            pCompare->pRight = rv_order_sought(pParse, pTerm->pExpr, iFld, pRight);/

# Sums of numerics are exact, and JSON in JSON is that: sql/kinds.h.
/^static int resolveSelectStep(/,/^}/s/^        assert( db->mallocFailed==0 );/&\n        rv_kind_columns(pParse, pItem);/
/^static int resolveExprStep(/,/^}/s/^      sqlite3WalkExprList(pWalker, pList);/&\n      pDef = rv_kind_function(pParse, pExpr, pDef);/

# `$2`, `:2` and `@2` are numbers, as `?2` is.
/^SQLITE_PRIVATE void sqlite3ExprAssignVarNumber(.*{$/,/^}/s/^    if( z\[0\]=='?' ){/    if( z[0]=='?' || rv_order_numbers(z) ){/

# sqlite3_vtab_in tells of rows in a SELECT, too: (a, b) IN (SELECT ...). A table is not to be gone through for each,
# nor are they given at once, since what gives them gives their first column only.
/^static sqlite3_index_info \*allocateIndexInfo($/,/^}/s/^        if( (pTerm->wtFlags & TERM_SLICE)==0 ){/        if( 1 ){ \/* rv_search *\//
/^SQLITE_API int sqlite3_vtab_in(/,/^}/s/^    if( bHandle==0 ){/    if( bHandle>0 \&\& (termFromWhereClause(pHidden->pWC, pIdxInfo->aConstraint[iCons].iTermOffset)->wtFlags \& TERM_SLICE)!=0 ) return 0; \/* rv_search *\/\n&/
