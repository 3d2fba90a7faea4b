-- The only way recipients are read. Created when absent and never touched again: a DBA replaces it by a view on the
-- ERP's own user tables (create or replace view neurolink_directory as select …, with these columns; id and manager_id
-- with collate "C", the order of user ids everywhere: PostgreSQL refuses the replacement without). `groups` may be left out
-- of a view made anew.
do $$
begin
    if to_regclass(format('%I.neurolink_directory', current_schema())) is null then
        create view neurolink_directory as
        select id, display_name, email, phone, telegram_chat_id, slack_user_id, roles, branch_ids, manager_id, locale,
               timezone, is_active, groups
          from neurolink_users;
        comment on view neurolink_directory is
            'Recipients. Replace it by a view on your own tables with the same columns (id and manager_id collate "C"); upgrades leave it alone.';
    end if;
end $$;
