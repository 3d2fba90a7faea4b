-- What watches run is written anew, since this version may write it better.
select neurolink_watch_renew();
