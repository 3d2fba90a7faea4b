-- The only way recipients are read. Created when absent and never touched again: a DBA replaces it by a view on the
-- ERP's own user tables (create or replace view neurolink_directory as select …, with these columns).
do $$
begin
    if to_regclass('@schema@.neurolink_directory') is null then
        create view neurolink_directory as
        select id, display_name, email, phone, telegram_chat_id, slack_user_id, roles, branch_ids, manager_id, locale,
               timezone, is_active
          from neurolink_users;
        comment on view neurolink_directory is
            'Recipients. Replace it by a view on your own tables with the same columns; upgrades leave it alone.';
    end if;
end $$;
