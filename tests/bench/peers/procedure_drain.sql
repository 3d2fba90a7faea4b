set jit = off;
do $$ begin loop exit when bench_procedure(500) = 0; commit; end loop; end $$;
